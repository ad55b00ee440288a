//! `handfast bench serve`: what the check costs a server in processor time, and what one core carries.
//!
//! The server runs in a process of its own, on one thread. Three answers take turns, so that whatever else the machine does falls
//! on all of them: a plain one, the same behind one signature check, and the same behind the whole check. The difference of the
//! first two is the unit that the check is told in.

mod load;
mod report;
mod server;
pub(crate) mod target;

use std::time::Instant;

use handfast_identity::SigningKey;

use crate::args::{BenchCommand, BenchServeArgs};
use crate::exit::Failure;
use crate::ui::Ui;
use load::Load;
use report::Round;
use server::{Place, Server};

pub(crate) async fn run(command: BenchCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        BenchCommand::Serve(args) => serve(&args, ui).await,
        BenchCommand::Target(args) => target::run(&args, ui).await,
    }
}

async fn serve(args: &BenchServeArgs, ui: Ui) -> Result<(), Failure> {
    ui.remark("starting a registry and a server on one thread");
    // one more round than is counted, to warm up
    let server = Server::start(args.requests as usize * (args.rounds as usize + 1)).await?;
    let key = SigningKey::from_private_jwk(server.private_jwk()).map_err(|error| server::failed("no key", error))?;
    let load = Load::new(&server, key, args.connections as usize);
    let mut rounds = Vec::new();
    for number in 0..=args.rounds {
        let round = round(&server, &load, args.requests).await?;
        if number > 0 {
            ui.remark(&format!("round {number} of {}: {}", args.rounds, round.line()));
            rounds.push(round);
        }
    }
    server.stop().await;
    ui.result(&report::report(args, &rounds), report::Report::text)
}

async fn round(server: &Server, load: &Load, requests: u32) -> Result<Round, Failure> {
    let mut round = Round::default();
    for place in [Place::Plain, Place::OneSignature, Place::Protected] {
        let prepared = load.prepare(place, requests)?;
        let (cpu, start) = (server.cpu()?, Instant::now());
        load.send(prepared).await?;
        let wall = start.elapsed();
        round.note(place, requests, server.cpu()?.saturating_sub(cpu), wall);
    }
    Ok(round)
}
