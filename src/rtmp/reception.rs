//! How a stream arrives, told by a player of ours to a server of ours, and by that to the publisher.

use super::amf0::Value;

/// More than this is this: nobody plays what is a minute late.
const MAX_LATE_MS: u32 = 60_000;

/// What a player sees of a stream: the arguments of the commands `reportReception` (player to server) and `onReception` (server to
/// publisher), two numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reception {
    /// How much later than at its best the stream arrives, in milliseconds.
    pub late_ms: u32,
    /// Kilobits a second that arrive.
    pub kbps: u32,
}

impl Reception {
    pub(super) fn to_values(self) -> Vec<Value> {
        vec![f64::from(self.late_ms).into(), f64::from(self.kbps).into()]
    }

    /// Whatever a peer may have written; `None` if those are no such numbers.
    pub(super) fn from_values(values: &[Value]) -> Option<Self> {
        let number = |at: usize| values.get(at).and_then(Value::as_f64).filter(|n| n.is_finite() && *n >= 0.0);
        // Out of range, such a cast gives the nearest number that there is.
        Some(Self { late_ms: (number(0)? as u32).min(MAX_LATE_MS), kbps: number(1)? as u32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood_and_nonsense_is_not() {
        let reception = Reception { late_ms: 250, kbps: 700 };
        assert_eq!(Reception::from_values(&reception.to_values()), Some(reception));
        let of = |late: f64, kbps: f64| Reception::from_values(&[late.into(), kbps.into()]);
        assert_eq!(of(1e18, 1e18), Some(Reception { late_ms: MAX_LATE_MS, kbps: u32::MAX }));
        assert_eq!((of(f64::NAN, 1.0), of(1.0, -1.0), Reception::from_values(&["x".into()])), (None, None, None));
    }
}
