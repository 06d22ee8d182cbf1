//! Timers that are as fine as pictures and sound need them.
//!
//! Windows wakes threads that wait every 15.6 ms only, unless a program asks for more; and it forgets the wish while a program's window is
//! covered by others, which in a call is usual. Other systems wake threads when they are due.
#![allow(unsafe_code)]

use windows_sys::Win32::Media::timeBeginPeriod;
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, PROCESS_POWER_THROTTLING_CURRENT_VERSION, PROCESS_POWER_THROTTLING_IGNORE_TIMER_RESOLUTION,
    PROCESS_POWER_THROTTLING_STATE, ProcessPowerThrottling, SetProcessInformation,
};

/// Asks for timers of a millisecond until the program ends.
pub(super) fn make_fine() {
    let heed = PROCESS_POWER_THROTTLING_STATE {
        Version: PROCESS_POWER_THROTTLING_CURRENT_VERSION,
        ControlMask: PROCESS_POWER_THROTTLING_IGNORE_TIMER_RESOLUTION,
        StateMask: 0,
    };
    // SAFETY: the handle is this process's own and needs no closing; the structure is read before the call returns, and its size is given.
    // Where either is refused (the second before Windows 11), timers stay as they are.
    unsafe {
        timeBeginPeriod(1);
        SetProcessInformation(GetCurrentProcess(), ProcessPowerThrottling, (&raw const heed).cast(), size_of_val(&heed) as u32);
    }
}
