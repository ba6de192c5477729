//! The contract in process: the bytecode the program ships, on revm, at whatever time a question is asked for.

use alloy::{
    primitives::{Address, Bytes, Log, U256, aliases::U48},
    sol_types::{SolCall, SolConstructor},
};
use health_back_end::{
    chain::bindings::{LicenceRegistry, licence::Licence},
    domain::{
        ids::BackEndId,
        taxonomy::{UserClass, Word},
    },
};
use revm::{
    Context, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext, MainnetEvm,
    context::{TxEnv, result::ExecutionResult},
    database::InMemoryDB,
    handler::MainnetContext,
    primitives::{TxKind, hardfork::SpecId},
};

const CHAIN_ID: u64 = 31_337;
const GAS: u64 = 30_000_000;

pub const ADMIN: Address = Address::repeat_byte(0xad);
pub const OPERATOR: Address = Address::repeat_byte(0x0b);
const REGISTRAR: Address = Address::repeat_byte(0x4e);

/// A registry nobody else uses.
pub struct Registry {
    evm: MainnetEvm<MainnetContext<InMemoryDB>>,
    pub address: Address,
}

impl Registry {
    pub fn deploy() -> Self {
        let context = Context::mainnet().with_db(InMemoryDB::default()).modify_cfg_chained(|cfg| {
            cfg.set_spec_and_mainnet_gas_params(SpecId::PRAGUE);
            cfg.chain_id = CHAIN_ID;
            cfg.disable_nonce_check = true;
        });
        let mut registry = Self { evm: context.build_mainnet(), address: Address::ZERO };
        let arguments = LicenceRegistry::constructorCall { admin: ADMIN, adminDelay: U48::ZERO }.abi_encode();
        let code = [LicenceRegistry::BYTECODE.as_ref(), &arguments].concat();
        let outcome = registry.evm.transact_commit(transaction(ADMIN, TxKind::Create, code.into())).unwrap();
        registry.address = outcome.created_address().expect("the registry deploys");
        for (role, account) in [("OPERATOR", OPERATOR), ("REGISTRAR", REGISTRAR)] {
            let role = alloy::primitives::keccak256(role);
            registry.act(ADMIN, &LicenceRegistry::grantRoleCall { role, account }).unwrap();
        }
        registry
    }

    pub fn back_end(&self) -> BackEndId {
        BackEndId::new(CHAIN_ID, self.address)
    }

    pub fn set_user_class(&mut self, user: Address, class: UserClass, active: bool) {
        let call = LicenceRegistry::setUserClassCall { user, class: class.code(), active };
        self.act(REGISTRAR, &call).unwrap();
    }

    /// Carries a call out for good.
    ///
    /// # Errors
    /// The revert data.
    pub fn act<C: SolCall>(&mut self, from: Address, call: &C) -> Result<C::Return, Bytes> {
        let sent = transaction(from, TxKind::Call(self.address), call.abi_encode().into());
        let outcome = self.evm.transact_commit(sent).unwrap();
        read::<C>(outcome).map(|(answer, _)| answer)
    }

    /// As [`Registry::act`]; gives the gas of the whole transaction.
    ///
    /// # Errors
    /// The revert data.
    pub fn act_for_gas<C: SolCall>(&mut self, from: Address, call: &C) -> Result<u64, Bytes> {
        let sent = transaction(from, TxKind::Call(self.address), call.abi_encode().into());
        let outcome = self.evm.transact_commit(sent).unwrap();
        let gas = outcome.tx_gas_used();
        read::<C>(outcome).map(|_| gas)
    }

    /// Calls at a block time and forgets what it changed.
    ///
    /// # Errors
    /// The revert data.
    pub fn ask<C: SolCall>(&mut self, from: Address, call: &C, now: u64) -> Result<(C::Return, Vec<Log>), Bytes> {
        self.ask_at(self.address, from, call, now)
    }

    /// As [`Registry::ask`], of a licence contract.
    pub fn ask_licence(&mut self, licence: Address, call: &Licence::checkCall, now: u64) -> u16 {
        self.ask_at(licence, Address::ZERO, call, now).expect("a licence answers").0
    }

    fn ask_at<C: SolCall>(
        &mut self,
        to: Address,
        from: Address,
        call: &C,
        now: u64,
    ) -> Result<(C::Return, Vec<Log>), Bytes> {
        self.evm.ctx.modify_block(|block| block.timestamp = U256::from(now));
        let asked = transaction(from, TxKind::Call(to), call.abi_encode().into());
        read::<C>(self.evm.transact(asked).unwrap().result)
    }
}

fn read<C: SolCall>(outcome: ExecutionResult) -> Result<(C::Return, Vec<Log>), Bytes> {
    match outcome {
        ExecutionResult::Success { output, logs, .. } => {
            Ok((C::abi_decode_returns(&output.into_data()).expect("the ABI is the contract's"), logs))
        }
        ExecutionResult::Revert { output, .. } => Err(output),
        ExecutionResult::Halt { reason, .. } => panic!("the call halted: {reason:?}"),
    }
}

fn transaction(caller: Address, kind: TxKind, data: Bytes) -> TxEnv {
    TxEnv::builder().caller(caller).kind(kind).data(data).gas_limit(GAS).chain_id(Some(CHAIN_ID)).build().unwrap()
}
