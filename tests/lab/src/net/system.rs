//! The system calls that namespaces and their link need.
//!
//! Unsafe code is allowed in this file alone: the standard library knows neither network namespaces nor TUN devices nor `ppoll`. Each call gets
//! file descriptors that are borrowed for its time and structures that live on this stack; nothing is kept.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// A network namespace without a name: it lives as long as this, a socket in it, or a thread or program inside.
#[derive(Clone, Debug)]
pub struct Namespace(Arc<File>);

impl Namespace {
    /// A new, empty one.
    ///
    /// # Errors
    /// Without `CAP_SYS_ADMIN`.
    pub fn new() -> io::Result<Self> {
        // A thread of its own: whoever unshares has left the old namespace.
        let opened = thread::Builder::new().name("lab-namespace".to_owned()).spawn(|| {
            // SAFETY: no pointers.
            check(unsafe { libc::unshare(libc::CLONE_NEWNET) })?;
            File::open("/proc/thread-self/ns/net")
        })?;
        let file = opened.join().map_err(|_| io::Error::other("the thread that makes namespaces panicked"))??;
        Ok(Self(Arc::new(file)))
    }

    /// Moves the thread that calls into it, with the threads that it will start; sockets opened before stay where they are.
    ///
    /// # Errors
    /// Without `CAP_SYS_ADMIN`.
    pub fn enter(&self) -> io::Result<()> {
        // SAFETY: no pointers; the file is open.
        check(unsafe { libc::setns(self.0.as_raw_fd(), libc::CLONE_NEWNET) })
    }

    /// Has `command` run in it.
    pub fn take(&self, command: &mut Command) {
        let namespace = self.clone();
        // SAFETY: between fork and exec only async-signal-safe functions may be called; setns is a system call, and so is the way to errno.
        unsafe { command.pre_exec(move || namespace.enter()) };
    }

    /// Where other programs find it while this one runs: `nsenter --net=PATH COMMAND`.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }
}

/// Has `command` killed when the thread that starts it ends.
pub fn end_with_this_thread(command: &mut Command) {
    // SAFETY: prctl is a system call, which may be made between fork and exec.
    unsafe { command.pre_exec(|| check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))) };
}

/// A network device in the namespace of the calling thread whose packets are read from and written to the file, which does not block.
///
/// # Errors
/// Without `/dev/net/tun` or `CAP_NET_ADMIN`.
pub fn tun(name: &str) -> io::Result<File> {
    /// `_IOW('T', 202, int)`, from linux/if_tun.h.
    const TUNSETIFF: u32 = 0x4004_54CA;
    let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
    // SAFETY: all zeros is a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: the request is what TUNSETIFF wants, and outlives the call.
    check(unsafe { libc::ioctl(file.as_raw_fd(), TUNSETIFF as _, &mut request) })?;
    Ok(file)
}

/// Waits until one of the files can be read, or for `limit`, to the nanosecond; says which.
///
/// # Errors
/// None that a correct caller sees; a signal is no error.
pub fn wait_readable<const N: usize>(files: [BorrowedFd<'_>; N], limit: Duration) -> io::Result<[bool; N]> {
    let mut polled = files.map(|file| libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 });
    let limit = libc::timespec { tv_sec: limit.as_secs() as _, tv_nsec: limit.subsec_nanos() as _ };
    // SAFETY: the array and the time outlive the call; the length is the array's.
    let ready = unsafe { libc::ppoll(polled.as_mut_ptr(), N as libc::nfds_t, &limit, std::ptr::null()) };
    match check(ready) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        Err(_) => Ok([false; N]),
        Ok(()) => Ok(polled.map(|file| file.revents != 0)),
    }
}

/// Lets the calling thread wake up exactly when it wants to and before others: a late packet would be counted as the link's fault.
///
/// # Errors
/// Without the right to; the thread goes on as it was.
pub fn be_punctual() -> io::Result<()> {
    const NICE: libc::c_int = -19;
    // SAFETY: no pointers. On Linux, process 0 is the calling thread.
    unsafe {
        check(libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64))?;
        check(libc::setpriority(libc::PRIO_PROCESS, 0, NICE))
    }
}

fn check(returned: libc::c_int) -> io::Result<()> {
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
