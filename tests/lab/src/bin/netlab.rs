//! `netlab`: two network namespaces joined by an emulated link; a program on each side, or a shell.

use std::process::ExitCode;

#[derive(clap::Parser)]
#[command(name = "netlab", after_help = AFTER)]
struct Options {
    /// How the link is, or becomes: `both:delay=25,loss=1`, `10:up:rate=300`, `20:up:clear`.
    #[arg(value_name = "[SECONDS:]DIRECTION:SETTINGS")]
    plan: Vec<String>,
    /// Another seed loses other packets.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A line for the shell, run on the far side (10.77.0.2) until the near one has ended; begin it with `exec`.
    #[arg(long, value_name = "LINE")]
    far: Option<String>,
    /// Run on the near side (10.77.0.1); netlab ends with it and its exit code. Without one, the link stays until the input ends, and each of
    /// its lines changes it.
    #[arg(last = true, value_name = "COMMAND")]
    near: Vec<String>,
}

const AFTER: &str =
    "Directions: up (near to far), down, both. Settings: loss, reorder, dup (percent), burst (packets in a row), delay, jitter,
queue (milliseconds), rate (kbit/s), cut (1 or 0), clear. Needs root and /dev/net/tun; leaves nothing behind, however it ends.";

fn main() -> ExitCode {
    match run(&clap::Parser::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("netlab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn run(_: &Options) -> anyhow::Result<ExitCode> {
    parlor_lab::net::available().map_err(anyhow::Error::msg)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(target_os = "linux")]
fn run(options: &Options) -> anyhow::Result<ExitCode> {
    use anyhow::Context;
    use parlor_lab::net::{Direction, Network, Plan, Side, system};

    let plan = Plan::parse(options.plan.iter().map(String::as_str))?.with_seed(options.seed);
    let network = Network::start(&plan)?;
    let start = |side, program: &str, arguments: &[String]| {
        let mut command = network.command(side, program);
        system::end_with_this_thread(&mut command);
        command.args(arguments).spawn().with_context(|| format!("starting {program}"))
    };
    let far = options.far.as_ref().map(|line| start(Side::Far, "sh", &["-c".to_owned(), line.clone()])).transpose()?;
    let code = match options.near.split_first() {
        Some((program, arguments)) => {
            let ended = start(Side::Near, program, arguments)?.wait()?;
            ended.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
        }
        None => {
            for side in Side::ALL {
                println!("{side:?} ({}): nsenter --net={} COMMAND", side.address(), network.namespace(side).path());
            }
            for line in std::io::stdin().lines() {
                match line?.parse() {
                    Ok(change) => drop(network.change(&change)),
                    Err(error) => eprintln!("netlab: {error}"),
                }
            }
            0
        }
    };
    if let Some(mut far) = far {
        far.kill()?;
        far.wait()?;
    }
    let report = network.report();
    for direction in Direction::ALL {
        let counts = report.counts(direction);
        eprintln!(
            "netlab: {direction:?}: {} packets in, {} lost, {} over the queue, {} out ({} bytes)",
            counts.taken, counts.lost, counts.overflowed, counts.passed, counts.bytes
        );
    }
    eprintln!("netlab: {:.1} ms late at worst", report.latest.as_secs_f64() * 1000.0);
    Ok(ExitCode::from(code))
}
