//! How long a revocation takes to bite: a registry on its embedded store and three resource servers, on loopback, under load.
//!
//! ```text
//! scripts/bench revocation                  1000 revocations, then the registry goes away and comes back
//! scripts/bench revocation --count 50       fewer
//! scripts/bench revocation --no-cut         without the cut, which takes half a minute
//! ```
//!
//! Of each revocation: from its acknowledged answer to the last answer 200 to the token that it stops, at any of the three, each of which is
//! asked with it all the time. 0 where the last one came before the answer. Both ends are told by the client, so what the answers take on
//! the way counts too. An acceptance after all servers had refused ends the run: nothing comes back.

mod http;
mod site;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use handfast_testkit::Agent;
use reqwest::Method;
use serde_json::json;
use tokio::sync::mpsc;

use http::Peer;
use site::Site;

const COUNT: usize = 1000;
/// Requests under way at each server beside those that are measured.
const LOAD: usize = 2;
/// A token that is taken for so long after its revocation is a fault, and no slow case.
const NEVER: Duration = Duration::from_secs(10);
const GOALS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));

async fn ask(server: &Peer, agent: &Agent, token: &str) -> (u16, String) {
    let answer = server.signed(agent, Some(token), (Method::GET, "/files"), None).await.expect("the server answers");
    (answer.status, answer.json["reason"].as_str().unwrap_or_default().to_owned())
}

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let at = arguments.iter().position(|argument| argument == "--count");
    let count = at.and_then(|at| arguments.get(at + 1)).map_or(COUNT, |count| count.parse().expect("a number"));
    let mut site = Site::new().await;
    let owner_token = site.owner_token().await;
    let (_, living) = site.work(&owner_token).await;
    let (served, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let load = loaded(&site, &living, &served, &over);
    let start = Instant::now();
    let (mut bites, mut stopped) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let owner_token = site.owner_token().await;
        let (task, token) = site.work(&owner_token).await;
        bites.push(bite(&site, &owner_token, &task, &token).await);
        stopped.push(token);
    }
    let (took, requests) = (start.elapsed(), served.load(Ordering::Relaxed));
    for (place, token) in stopped.iter().enumerate() {
        for server in &site.servers {
            let (status, reason) = ask(server, &site.agent, token).await;
            assert!(
                status == 401 && ["task_revoked", "token_expired"].contains(&reason.as_str()),
                "{place}: {status} {reason}"
            );
        }
    }
    over.store(true, Ordering::Relaxed);
    for task in load {
        task.await.expect("the load ends well");
    }
    report(&mut bites, took, requests);
    if !arguments.iter().any(|argument| argument == "--no-cut") {
        cut(&mut site, &living).await;
    }
}

/// Requests that go on all the time, with a token that nobody revokes.
fn loaded(
    site: &Site,
    token: &str,
    served: &Arc<AtomicU64>,
    over: &Arc<AtomicBool>,
) -> Vec<tokio::task::JoinHandle<()>> {
    let mut tasks = Vec::new();
    for server in &site.servers {
        for _ in 0..LOAD {
            let (server, agent, token) = (Arc::clone(server), site.agent.clone(), token.to_owned());
            let (served, over) = (Arc::clone(served), Arc::clone(over));
            tasks.push(tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let (status, reason) = ask(&server, &agent, &token).await;
                    assert_eq!(status, 200, "nothing of this task was revoked: {reason}");
                    served.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
    }
    tasks
}

/// Revokes a task while every server is asked with its token, and says how long after the answer it was last taken.
async fn bite(site: &Site, owner_token: &str, task: &str, token: &str) -> Duration {
    let (begun, mut all_begun) = mpsc::unbounded_channel();
    let probes: Vec<_> = site
        .servers
        .iter()
        .map(|server| {
            let (server, agent, token, begun) =
                (Arc::clone(server), site.agent.clone(), token.to_owned(), begun.clone());
            tokio::spawn(async move {
                let (first, mut last) = (Instant::now(), None);
                loop {
                    match ask(&server, &agent, &token).await {
                        (200, _) => {
                            if last.is_none() {
                                begun.send(()).expect("somebody waits");
                            }
                            last = Some(Instant::now());
                        }
                        (401, reason) if reason == "task_revoked" => return last.expect("it was taken before"),
                        other => panic!("{other:?}"),
                    }
                    assert!(first.elapsed() < NEVER + NEVER, "it is taken still");
                }
            })
        })
        .collect();
    for _ in &probes {
        all_begun.recv().await.expect("each is taken once before it is revoked");
    }
    site.manage_with(owner_token, "/revocations", &json!({"kind": "task", "id": task})).await;
    let acknowledged = Instant::now();
    let mut longest = Duration::ZERO;
    for probe in probes {
        let last = probe.await.expect("a probe ends well");
        longest = longest.max(last.saturating_duration_since(acknowledged));
    }
    assert!(longest < NEVER, "it was taken for {longest:?}");
    longest
}

fn report(bites: &mut [Duration], took: Duration, requests: u64) {
    bites.sort_unstable();
    let at = |share: f64| bites[((bites.len() as f64 * share) as usize).min(bites.len() - 1)];
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    let met = |is_met: bool| if is_met { "met" } else { "missed" };
    let rate = requests as f64 / took.as_secs_f64();
    println!("{} revocations, 3 servers, {rate:.0} other requests a second meanwhile", bites.len());
    println!("from the answer to the last acceptance, in ms: median {:.1}", milliseconds(at(0.5)));
    println!("  p99 {:.1} (goal 250: {})", milliseconds(at(0.99)), met(at(0.99) <= GOALS.0));
    println!("  max {:.1} (goal 1000: {})", milliseconds(at(1.0)), met(at(1.0) <= GOALS.1));
}

/// The registry goes away: every server refuses when its word is 30 seconds old, and goes on by itself when it is back.
async fn cut(site: &mut Site, token: &str) {
    site.home.stop().await;
    let gone = Instant::now();
    let mut refused = Vec::new();
    for server in &site.servers {
        until(server, &site.agent, token, (503, "status_unknown"), gone).await;
        refused.push(gone.elapsed());
    }
    site.home.start().await;
    let back = Instant::now();
    for server in &site.servers {
        until(server, &site.agent, token, (200, ""), back).await;
    }
    let longest = refused.into_iter().max().unwrap_or_default();
    println!(
        "cut off: all refused {:.1} s after the registry went away (limit 30 s behind its last word)",
        longest.as_secs_f64()
    );
    println!("back: all accepted {:.1} s after it came back, by themselves", back.elapsed().as_secs_f64());
}

async fn until(server: &Peer, agent: &Agent, token: &str, wanted: (u16, &str), since: Instant) {
    loop {
        let (status, reason) = ask(server, agent, token).await;
        if (status, reason.as_str()) == wanted {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "still {status} {reason}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
