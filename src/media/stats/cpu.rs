//! How busy this program keeps the computer, and how busy the computer is. The only place that asks the system.

use std::time::Duration;
use sysinfo::{CpuRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Percentages are averages over at least this.
const EVERY: Duration = Duration::from_secs(2);

/// Percent of all cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// This program; `None` until it has been measured for two seconds.
    pub app: Option<u8>,
    /// Everything on this computer.
    pub device: Option<u8>,
}

/// Measures CPU load. It belongs to a thread that may read a small file now and then, not to a window's.
pub struct CpuMeter {
    system: Option<(System, Pid)>,
    /// When it was last asked, and this program's CPU time then.
    last: Option<(Duration, Duration)>,
    cpu: Cpu,
}

impl std::fmt::Debug for CpuMeter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CpuMeter").field("cpu", &self.cpu).finish_non_exhaustive()
    }
}

impl Default for CpuMeter {
    fn default() -> Self {
        Self { system: open(), last: None, cpu: Cpu::default() }
    }
}

fn open() -> Option<(System, Pid)> {
    sysinfo::get_current_pid().ok().zip(System::new().ok()).map(|(pid, system)| (system, pid))
}

/// This process's CPU time until now, user and system, all threads.
fn spent(system: &mut System, pid: Pid) -> Option<Duration> {
    let what = ProcessRefreshKind::nothing().with_cpu().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, what);
    system.process(pid).map(|process| Duration::from_millis(process.accumulated_cpu_time()))
}

/// CPU time of this process so far, user and system, all threads; zero where the system does not tell.
pub fn cpu_time() -> Duration {
    open().and_then(|(mut system, pid)| spent(&mut system, pid)).unwrap_or_default()
}

impl CpuMeter {
    /// The load over the last two seconds or so. Asks the system every two seconds at most.
    pub fn measure(&mut self, now: Duration) -> Cpu {
        let since = self.last.map(|(at, _)| now.saturating_sub(at));
        if since.is_some_and(|since| since < EVERY) {
            return self.cpu;
        }
        let Some((system, pid)) = &mut self.system else { return self.cpu };
        system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
        let spent = spent(system, *pid);
        if let (Some(since), Some((_, before)), Some(spent)) = (since, self.last, spent) {
            let all = since.as_secs_f32() * system.cpus().len().max(1) as f32;
            let app = spent.saturating_sub(before).as_secs_f32() / all * 100.0;
            self.cpu = Cpu { app: Some(percent(app)), device: Some(percent(system.global_cpu_usage())) };
        }
        self.last = spent.map(|spent| (now, spent));
        self.cpu
    }
}

/// Ticks of the system and of the clock are not the same: a little over a hundred can come out.
fn percent(figure: f32) -> u8 {
    figure.round().clamp(0.0, 100.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn work_shows() {
        let mut meter = CpuMeter::default();
        let zero = Duration::from_secs(100);
        assert_eq!(meter.measure(zero), Cpu::default(), "nothing to compare with yet");
        let (begun, before) = (Instant::now(), cpu_time());
        let mut x = 1_u64;
        // Until half a second of work has been done, however fast or loaded the machine is.
        while cpu_time() < before + Duration::from_millis(500) {
            for i in 0..1_000_000_u64 {
                x = std::hint::black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(i));
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "no CPU time counted: {x}");
        }
        assert_eq!(meter.measure(zero + EVERY / 2), Cpu::default(), "too soon");
        let cpu = meter.measure(zero + EVERY);
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f32;
        let least = 0.5 / (2.0 * cores) * 100.0;
        assert!(cpu.app.is_some_and(|app| f32::from(app) >= least.floor() - 1.0), "{cpu:?} on {cores} cores");
        assert!(cpu.device.is_some_and(|device| device > 0), "{cpu:?}");
    }

    #[test]
    fn percentages_stay_percentages() {
        assert_eq!([percent(-1.0), percent(50.4), percent(250.0), percent(f32::NAN)], [0, 50, 100, 0]);
    }
}
