//! Rotations, recoveries, compromised keys and suspensions in any order, against a few lines that know what must be so; and a thousand
//! of them at once.

use super::*;

/// Between two steps: no rotation has to wait, and every cut-off is past.
const STEP: u64 = 61;
/// How long a token is presented: while it has not expired.
const PRESENTED: u64 = 240;

/// Numbers from a generator that needs no crate.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick(&mut self, count: usize) -> usize {
        usize::try_from(self.roll(u64::try_from(count).unwrap())).unwrap()
    }
}

/// What must be so of one agent.
#[derive(Default)]
struct Reference {
    /// The keys it had, in order; the last one is current.
    keys: Vec<Agent>,
    /// Numbers, from 1, of those that are compromised, and of those that a recovery voided.
    compromised: Vec<usize>,
    voided: Vec<usize>,
    is_suspended: bool,
    /// Each with the place of its key, and when it was issued.
    tokens: Vec<(String, usize, u64)>,
    dead: Vec<String>,
}

impl Reference {
    fn is_compromised(&self, number: usize) -> bool {
        self.compromised.contains(&number)
    }

    fn can_act(&self) -> bool {
        !self.is_suspended && !self.is_compromised(self.keys.len())
    }

    /// Everything of the keys that are compromised, or of all of them, is dead from now on, whatever comes.
    fn bury(&mut self, all: bool) {
        let dead = self.tokens.iter().filter(|(_, key, _)| all || self.compromised.contains(&(key + 1)));
        let dead: Vec<_> = dead.map(|(token, ..)| token.clone()).collect();
        self.dead.extend(dead);
    }
}

async fn sequence(seed: u64) {
    let scene = Scene::new().await;
    let bench = &scene.bench;
    let mut dice = Dice(seed);
    let mut known = Reference { keys: vec![scene.agent.clone()], ..Reference::default() };
    for step in 0..30 {
        let told = format!("seed {seed} step {step}");
        let current = known.keys.last().unwrap().clone();
        let next = Agent::numbered(u8::try_from(known.keys.len() + 1).unwrap());
        match dice.roll(8) {
            0 | 1 => {
                let answer = scene.rotate(&current, &next).await;
                assert_eq!(answer.status == 200, known.can_act(), "{told}: {answer:?}");
                if answer.status == 200 {
                    known.keys.push(next);
                }
            }
            2 => {
                // whoever has a former key changes nothing
                let place = dice.pick(known.keys.len());
                if place + 1 < known.keys.len() {
                    let thief = &known.keys[place];
                    // as if nothing had followed it
                    let behind = scene.behind(u16::try_from(place + 1).unwrap()).await;
                    let statement = signed(&behind, KeyChangeKind::Rotation, thief, &next);
                    let answer = scene.send(thief.did().as_str(), statement).await;
                    assert_eq!(answer.status, 409, "{told}: {answer:?}");
                }
            }
            3 | 4 => {
                let last_good = dice.pick(known.keys.len() + 1);
                let answer = scene.recover(u16::try_from(last_good).unwrap(), &next).await;
                let is_good = last_good == 0 || !(known.is_compromised(last_good) || known.voided.contains(&last_good));
                assert_eq!(answer.status == 200, is_good, "{told}, last good {last_good}: {answer:?}");
                if answer.status == 200 {
                    let after: Vec<_> = (last_good + 1..=known.keys.len()).collect();
                    known.compromised.extend(&after);
                    known.voided.extend(&after);
                    known.keys.push(next);
                    known.bury(false);
                }
            }
            5 => {
                let number = dice.pick(known.keys.len()) + 1;
                let body = json!({"kind": "key", "id": known.keys[number - 1].did().as_str()});
                bench.manage(&scene.owner.key, "owner:self", "POST", "/revocations", Some(body)).await.is(200);
                known.compromised.push(number);
                known.bury(false);
            }
            6 => {
                scene.owner_call("suspend", json!({})).await.is(200);
                known.is_suspended = true;
                known.bury(true);
            }
            _ => {
                scene.owner_call("resume", json!({})).await.is(200);
                known.is_suspended = false;
            }
        }
        bench.clock.advance(STEP);
        check(&scene, &mut known, &told).await;
    }
    // the end names every key
    let body = json!({"kind": "agent", "id": scene.agent.did().as_str()});
    bench.manage(&scene.owner.key, "owner:self", "POST", "/revocations", Some(body)).await.is(200);
    known.bury(true);
    known.is_suspended = true;
    check(&scene, &mut known, &format!("seed {seed}, the end")).await;
}

/// The current key alone gets a token; what is dead is refused, what lives is taken; the history holds and says the same.
async fn check(scene: &Scene, known: &mut Reference, told: &str) {
    let bench = &scene.bench;
    for (place, key) in known.keys.clone().iter().enumerate() {
        let answer = bench.token_answer(key, &[("scope", "agent:self")]).await;
        let expected = place + 1 == known.keys.len() && known.can_act();
        assert_eq!(answer.status == 200, expected, "{told}, key {}: {answer:?}", place + 1);
        if expected {
            known.tokens.push((answer.str("access_token"), place, bench.now()));
        }
    }
    let now = bench.now();
    known.tokens.retain(|(_, _, issued)| now - issued <= PRESENTED);
    for (token, place, _) in &known.tokens {
        let key = &known.keys[*place];
        let answer = bench.call(key, token, "GET", &format!("/agents/{}", key.did()), None).await;
        let expected = if known.dead.contains(token) { 401 } else { 200 };
        assert_eq!(answer.status, expected, "{told}, a token of key {}: {answer:?}", place + 1);
    }
    let history = scene.checked().await;
    let keys: Vec<_> = history.links().iter().map(|link| link.did.clone()).collect();
    assert_eq!(keys, known.keys.iter().map(Agent::did).collect::<Vec<_>>(), "{told}");
    let voided = history.links().iter().zip(1_usize..).filter(|(link, _)| link.is_void).map(|(_, number)| number);
    let mut expected = known.voided.clone();
    expected.sort_unstable();
    expected.dedup();
    assert_eq!(voided.collect::<Vec<_>>(), expected, "{told}");
}

#[tokio::test]
async fn any_sequence_of_keys_over_http_follows_the_reference() {
    for seed in 1..=6 {
        sequence(seed).await;
    }
}

/// TH59, TH61: of a thousand at once each key is followed once, and the feed says what the history says.
#[tokio::test]
async fn p12_a_thousand_changes_of_one_agents_key_at_once_agree_with_feed_and_history() {
    let scene = Scene::new().await;
    let news: Vec<_> = (10..18).map(Agent::numbered).collect();
    let place = scene.place().await;
    let rotations: Vec<_> = news.iter().map(|new| signed(&place, KeyChangeKind::Rotation, &scene.agent, new)).collect();
    let good = Agent::numbered(30);
    let recovery = signed(&scene.behind(1).await, KeyChangeKind::Recovery, &scene.owner.key, &good);
    let token =
        scene.bench.token(&scene.owner.key, &[("scope", "owner:self"), ("resource", &scene.bench.issuer)]).await;
    let Scene { bench, owner, agent } = scene;
    let (bench, did) = (Arc::new(bench), agent.did().to_string());
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..1000_usize {
        let (bench, key, token, did) = (Arc::clone(&bench), owner.key.clone(), token.clone(), did.clone());
        let statement = rotations[number % rotations.len()].clone();
        let (path, body) = match number % 10 {
            8 if number > 300 => (format!("/agents/{did}/recover"), Some(json!({"statement": recovery.clone()}))),
            9 if number > 700 => ("/revocations".to_owned(), Some(json!({"kind": "agent", "id": did.clone()}))),
            _ => (format!("/agents/{did}/rotate"), None),
        };
        calls.spawn(async move {
            let answer = match body {
                Some(body) => bench.call(&key, &token, "POST", &path, Some(body)).await,
                None => bench.post(&path, JWT, statement).await,
            };
            (path, answer)
        });
    }
    let (mut rotated, mut recovered, mut revoked) = (std::collections::BTreeSet::new(), 0, 0);
    while let Some(call) = calls.join_next().await {
        let (path, answer) = call.unwrap();
        assert!(matches!(answer.status, 200 | 409 | 429 | 503), "{path} {answer:?}");
        match (answer.status, path.as_str()) {
            (200, "/revocations") => revoked += 1,
            (200, path) if path.ends_with("/recover") => recovered += 1,
            (200, _) => drop(rotated.insert(answer.str("did"))),
            _ => {}
        }
    }
    assert!(rotated.len() <= 1 && revoked > 0, "{rotated:?} {revoked}");
    let scene = Scene { bench: Arc::into_inner(bench).unwrap(), owner, agent };
    let history = scene.checked().await;
    let dids: Vec<_> = history.links().iter().map(|link| link.did.clone()).collect();
    let mut expected = std::collections::BTreeSet::from([did]);
    expected.extend(rotated);
    expected.extend((recovered > 0).then(|| good.did().to_string()));
    assert_eq!(dids.iter().map(ToString::to_string).collect::<std::collections::BTreeSet<_>>(), expected);
    let told = scene.told(0).await;
    for link in history.links() {
        let agent_name = scene.name(RevocationKind::Agent, link.did.as_str());
        assert!(
            told.iter().any(|event| event.name == agent_name && event.cut.is_none()),
            "every key of a REVOKED agent"
        );
        let key_name = scene.name(RevocationKind::Key, &link.did.thumbprint().to_string());
        let entries: Vec<_> =
            told.iter().filter(|event| event.name == key_name).map(|event| event.cut.is_some()).collect();
        let expected: &[bool] = match (link.is_void, link.did == *history.current()) {
            (true, _) => &[false],
            (false, true) => &[],
            (false, false) => &[true],
        };
        // one that was rotated out before it was found stolen has both
        let is_right = entries == expected || (link.is_void && entries == [true, false]);
        assert!(is_right, "{}: {entries:?}, expected {expected:?}", link.did);
    }
}
