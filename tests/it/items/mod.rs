//! Items of AIH Data over HTTP: the whole life of one, everything that may be wrong with a request, and a Back End that
//! is killed, starved and lied to.
//!
//! | File | What |
//! | --- | --- |
//! | [`flow`] | upload, read, process, withdraw, erase; for a synthetic recording and the real one |
//! | [`retries`] | the same request again |
//! | [`refusals`] [`parts`] [`recordings`] [`signatures`] | requests that are wrong, each in its own way |
//! | [`endless`] [`large`] | bodies that never end; large ones, many at once |
//! | [`licence_life`] | withdrawn, changed and expired in the middle of things |
//! | [`reading`] | a download whose licence falls |
//! | [`attempts`] | an upload that was kept and not acknowledged |
//! | [`starts`] | starts that must not succeed |
//! | [`bids`] | what is sent, and sent again, to the chain |
//! | [`erasure`] | what is left of an erased item, and of anything on chain |
//! | [`reset`] [`restored`] [`reset_doubts`] | a chain that was reset, and restored; what is told of the time before; what restoring must not do |
//! | [`mutations`] | thousands of mutated messages: no 5xx |
//! | [`storage`] [`restart`] | a Back End in a process of its own: memory, crashes, a full disk, the end |
//! | [`tampering`] | rows changed behind the house's back, in the audit |
//! | [`acts`] | what the house does without being asked by a Licence Confirm, in the audit |
//! | [`every_class`] | each class of data in each declared format, each declared processing type, and those that nobody declares |
//! | [`bad_payloads`] | payloads and models that are wrong, in each format |
//! | [`children`] | files that kill the child process they are read in, or hold it up |
//! | [`keeper`] | anvil ends with the Back End, however that ends |
//! | [`cut_off`] | what a killed Back End left, seen by another; who fills all places |
//! | [`declined`] | what nodes say to whoever sends, and where past acts are looked up |
//! | [`hung_up`] | clients that hang up while the chain is asked |
//! | [`descriptions`] | the free text of an item |
//! | [`doubt`] | a chain that is away, another, changed, or ahead of time |
//! | [`taking_away`] | withdrawing and erasing in doubt; an erasure that is cut off |
//! | [`stuck`] | transactions that are stuck, lost, or overtaken |
//!
//! [`paper`] writes the messages, [`caught`] catches works in the middle, [`server`] runs the Back End as a process, [`relay`] cuts its line to the chain, [`grumbler`] answers as no node of ours does.

/// A test for each class of data, by a function that is given the class.
macro_rules! for_each_class {
    ($work:ident) => {
        for_each_class!(
            $work:
            physiological_signals = PhysiologicalSignal,
            neurophysiological_signals = NeurophysiologicalSignal,
            medical_imaging = MedicalImaging,
            clinical_records = ClinicalRecord,
            omics = Omics,
            behavioural_signals = BehaviouralSignal
        );
    };
    ($work:ident: $($name:ident = $class:ident),+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            $work(DataClass::$class).await;
        })+

        #[test]
        fn no_class_is_left_out() {
            assert_eq!([$(DataClass::$class),+].as_slice().len(), DataClass::ALL.len());
            for class in DataClass::ALL {
                let read = processing::all().iter().any(|aim| aim.data_class == *class);
                assert!(read && [$(DataClass::$class),+].contains(class), "{}", class.word());
            }
        }
    };
}

pub mod acts;
mod attempts;
mod bad_payloads;
mod bids;
pub mod caught;
mod children;
mod cut_off;
mod declined;
mod descriptions;
mod doubt;
mod endless;
mod erasure;
pub mod every_class;
mod flow;
mod grumbler;
mod hung_up;
mod keeper;
mod large;
mod licence_life;
mod mutations;
pub mod paper;
mod parts;
mod reading;
mod recordings;
mod refusals;
pub mod relay;
mod reset;
mod reset_doubts;
mod restart;
mod restored;
mod retries;
pub mod server;
mod signatures;
mod spoilt;
mod starts;
mod storage;
mod stuck;
mod taking_away;
mod tampering;
