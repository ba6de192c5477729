//! A disk without room, in two ways: a real file system of 4 MiB, mounted in a name space of the child process
//! where the machine permits that, and a limit on the length of files (EFBIG), which needs no permission.

use std::{
    path::Path,
    process::{Command, Output},
};

use uuid::Uuid;

use super::{FOLDER, MIB, NO_LIMIT, child_arguments, files, given_folder, item_key, payload, pieces, read, runtime};
use crate::store::{Error, Objects};

/// More than one part, and less: both ways of uploading.
const SIZES: [usize; 2] = [20 * MIB, 6 * MIB];
const SAID: &str = "refused for want of room, nothing left";

/// Where there is no room, a put says so and leaves nothing; what was there, and what fits, is not harmed.
#[test]
#[ignore = "the child process of the tests below"]
fn child_fills_the_disk() {
    let Some(folder) = given_folder() else { return };
    runtime().block_on(async {
        let objects = Objects::local(&folder.join("store")).unwrap();
        let (before, key) = (Uuid::new_v4(), item_key());
        objects.put(before, &key, pieces(b"already there", 5), NO_LIMIT).await.unwrap();
        for size in SIZES {
            let name = Uuid::new_v4();
            let refused = objects.put(name, &key, pieces(&payload(size), 100_000), NO_LIMIT).await;
            assert!(matches!(refused, Err(Error::DiskFull(_))), "{refused:?}");
            assert!(matches!(read(&objects, name, &key, None).await, Err(Error::Missing { .. })));
            assert_eq!(files(&folder).len(), 1, "{:?}", files(&folder));
        }
        objects.put(Uuid::new_v4(), &key, pieces(&payload(MIB), 1000), NO_LIMIT).await.unwrap();
        assert_eq!(read(&objects, before, &key, None).await.unwrap(), b"already there");
    });
    println!("{SAID}");
}

/// Runs the child by way of a shell script that ends in `exec "$@"`.
fn run(wrapper: &[&str], script: &str, folder: &Path) -> Output {
    let (program, arguments) = wrapper.split_first().unwrap();
    Command::new(program)
        .args(arguments)
        .args(["sh", "-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(child_arguments("disk_full::child_fills_the_disk"))
        .env(FOLDER, folder)
        .output()
        .unwrap()
}

fn assert_refused(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains(SAID), "{said}\n{errors}");
}

#[test]
fn a_limit_on_the_length_of_files_is_want_of_room() {
    let folder = tempfile::tempdir().unwrap();
    // 5 MiB in blocks of 512 bytes. Ignoring the signal turns it into an error of the write.
    assert_refused(&run(&["env"], "trap '' XFSZ && ulimit -f 10240 && exec \"$@\"", folder.path()));
}

#[test]
fn a_full_file_system_is_want_of_room() {
    const IN_A_NAME_SPACE: [&str; 3] = ["unshare", "--mount", "--map-root-user"];
    let mut probe = Command::new(IN_A_NAME_SPACE[0]);
    probe.args(&IN_A_NAME_SPACE[1..]).args(["mount", "-t", "tmpfs", "t", "/mnt"]);
    let permitted = probe.output().is_ok_and(|output| output.status.success());
    if !permitted {
        eprintln!("skipped: this machine does not permit mounting in a name space; see the test beside this one");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=4m t \"$HBE_STORE_TEST_FOLDER\" && exec \"$@\"";
    assert_refused(&run(&IN_A_NAME_SPACE, script, folder.path()));
}
