//! [`Forgotten`]: how often a receiver may forget one batch's proposal, as one does that is started anew.

use crate::CallError;

/// How often in a row, with nothing sent in between.
const MAX_IN_VAIN: u32 = 4;
/// How often in all: what is sent to a receiver that forgets always may be sent in vain as well.
const MAX_IN_ALL: u32 = 64;

/// How often a batch's proposal was forgotten so far.
#[derive(Debug, Default)]
pub(crate) struct Forgotten {
    in_all: u32,
    in_vain: u32,
    /// What the round had sent the last time.
    sent: u64,
}

impl Forgotten {
    /// Once more, when the round had sent so many bytes of contents. What arrived is not asked for again, so a batch
    /// gets on between two restarts of a receiver.
    ///
    /// # Errors
    /// What the receiver said, where proposing again is of no use.
    pub(crate) fn once_more(&mut self, error: CallError, sent: u64) -> Result<(), CallError> {
        if sent > self.sent {
            (self.sent, self.in_vain) = (sent, 0);
        }
        if self.in_vain == MAX_IN_VAIN || self.in_all == MAX_IN_ALL {
            return Err(error);
        }
        self.in_vain += 1;
        self.in_all += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Problem, ProblemCode};

    use super::*;

    /// How often it is borne when so much was sent by each time.
    fn borne(sent: impl Iterator<Item = u64>) -> usize {
        let mut forgotten = Forgotten::default();
        let error = || CallError::Problem(Problem::new(ProblemCode::UnknownProposal, "started anew"));
        sent.take_while(|sent| forgotten.once_more(error(), *sent).is_ok()).count()
    }

    #[test]
    fn a_receiver_that_forgets_in_vain_is_given_up_soon_and_one_that_takes_frames_in_between_late() {
        assert_eq!(borne(std::iter::repeat(0)), 4);
        assert_eq!(borne([5; 4].into_iter().chain(std::iter::repeat(6))), 8, "it got on once");
        assert_eq!(borne(1..), 64);
    }
}
