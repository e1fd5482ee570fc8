//! Plays plans: `sim --plan NAME --seed N`. `cargo xtask sim` builds it and starts it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks on its streams")]

use std::process::ExitCode;
use std::time::Instant;

use sim::plan::{Plan, Playing, all, named};
use sim::timeline::{Detail, Timeline};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() || arguments.iter().any(|word| matches!(word.as_str(), "--help" | "-h")) {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match read(&arguments).and_then(|wish| wish.map_or_else(|| Ok(list()), |wish| play(&wish))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// What somebody wants to be played.
#[derive(Debug)]
struct Wish {
    plans: Vec<Plan>,
    seeds: std::ops::Range<u64>,
    shards: Option<usize>,
    detail: Detail,
    only: Option<usize>,
}

/// What the arguments ask for; nothing if it is the list.
fn read(arguments: &[String]) -> Result<Option<Wish>, String> {
    let mut wish = Wish { plans: Vec::new(), seeds: 1..2, shards: None, detail: Detail::Turns, only: None };
    let (mut seed, mut seeds) = (1, 1);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "--list" => return Ok(None),
            "--plan" => {
                let name = value()?;
                let plan =
                    named(name).ok_or_else(|| format!("there is no plan {name:?}; --list names them"))?;
                wish.plans.push(plan);
            }
            "--all" => wish.plans = all(),
            "--seed" => seed = number(value()?)?,
            "--seeds" => seeds = number(value()?)?,
            "--shards" => wish.shards = Some(usize::try_from(number(value()?)?).unwrap_or(1).max(1)),
            "--peer" => wish.only = Some(usize::try_from(number(value()?)?).unwrap_or(0)),
            "--packets" => wish.detail = Detail::Packets,
            "--quiet" => wish.detail = Detail::Nothing,
            other => return Err(format!("{other:?} is no option; --help lists them")),
        }
    }
    if wish.plans.is_empty() {
        return Err("no plan; --list names them".to_owned());
    }
    wish.seeds = seed..seed.saturating_add(seeds);
    Ok(Some(wish))
}

/// Plays what is wished for; whether nothing was wrong.
fn play(wish: &Wish) -> Result<bool, String> {
    let mut wrong = 0;
    for plan in &wish.plans {
        for seed in wish.seeds.clone() {
            let began = Instant::now();
            let timeline = Timeline::new(wish.detail, wish.only);
            let playing = Playing { seed, shards: wish.shards, timeline, ..Playing::default() };
            let outcome =
                plan.play(playing).map_err(|why| format!("{} with seed {seed}: {why}", plan.name))?;
            outcome.timeline.lines().iter().for_each(|line| println!("{line}"));
            if outcome.timeline.left_out() > 0 {
                println!("and {} lines more", outcome.timeline.left_out());
            }
            let (packets, took) = (outcome.transcript.packets(), began.elapsed().as_secs_f32());
            println!("\nplan {}, seed {seed}: {packets} packets forwarded, played in {took:.1} s", plan.name);
            outcome.verdicts.iter().for_each(|verdict| println!("{verdict}"));
            wrong += outcome.wrong();
        }
    }
    Ok(wrong == 0)
}

fn list() -> bool {
    for plan in all() {
        println!("{:<12} {}", plan.name, plan.about);
    }
    true
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

const HELP: &str = "\
sim --plan NAME … [--seed N]    play a plan and print what happened and what the oracles say

  --list            the plans
  --all             every plan
  --seed N          what chance follows from; 1 by default
  --seeds N         so many seeds, from that one on
  --shards N        other than the plan's
  --peer N          only what concerns this peer
  --packets         every packet at both ends of its path
  --quiet           no timeline

It fails when an oracle finds something wrong.
";
