//! The acknowledgement of T/ITS 0117, annex A, in both directions.

use serde::{Deserialize, Serialize};

use super::command::{Lenient, members, part};
use crate::downlink::{
    Answer, Command, Downlink, PlatformAcknowledgement, Refusal, SeqNum, Unreadable,
};
use crate::platform::dialect::Stream;

/// `{seqNum, errorCode, errorDesc}`; `seqNum` is left out where the command had none.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AnswerContent<'a> {
    /// That of the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub seq_num: Option<&'a SeqNum>,
    /// 0 carried out, 1 a bad or missing parameter, 2 an error of the unit.
    #[cfg_attr(test, schemars(range(max = 2)))]
    pub error_code: u8,
    /// What is wrong, and where: 1..=128 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_desc: Option<&'a str>,
}

impl<'a> From<&'a Answer> for AnswerContent<'a> {
    fn from(answer: &'a Answer) -> Self {
        Self {
            seq_num: answer.seq_num.as_ref(),
            error_code: answer.error_code(),
            error_desc: answer.refusal.as_ref().map(Refusal::text),
        }
    }
}

/// Reads what the platform says to a report of `stream`.
///
/// # Errors
/// The member that is missing or wrong.
pub fn read_acknowledgement(stream: Stream, payload: &[u8]) -> Result<Downlink, Unreadable> {
    let content = members(payload).and_then(|members| part::<Acknowledged>(&members));
    let content = content.map_err(Unreadable::Acknowledgement)?;
    let fault = match content.error_code.0 {
        0 => None,
        code => Some(format!("{code} {}", content.error_desc.unwrap_or_default())),
    };
    Ok(Downlink::new(Command::Acknowledgement(
        PlatformAcknowledgement {
            stream,
            seq_num: content.seq_num.0,
            fault,
        },
    )))
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct Acknowledged {
    seq_num: Lenient<u64>,
    error_code: Lenient<u8>,
    error_desc: Option<String>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::downlink::CommandKind;
    use serde_json::{json, to_value};

    #[test]
    fn an_answer_says_what_is_wrong() {
        let answer = |refusal| Answer {
            kind: CommandKind::Sampling,
            seq_num: SeqNum::try_from("7".to_owned()).ok(),
            refusal,
        };
        let content = |answer: &Answer| to_value(AnswerContent::from(answer)).unwrap();
        assert_eq!(
            content(&answer(None)),
            json!({"seqNum": "7", "errorCode": 0})
        );
        assert_eq!(
            content(&answer(Some(Refusal::bad_parameter("map: missing")))),
            json!({"seqNum": "7", "errorCode": 1, "errorDesc": "map: missing"}),
        );
        let failed = content(&answer(Some(Refusal::local_error("no space"))));
        assert_eq!(failed["errorCode"], 2);
    }

    #[test]
    fn an_acknowledgement_names_the_report() {
        let read = |payload: &str| read_acknowledgement(Stream::Rsi, payload.as_bytes());
        let acknowledgement = |payload| match read(payload).unwrap().command {
            Command::Acknowledgement(acknowledgement) => acknowledgement,
            other => panic!("{other:?}"),
        };
        let good = acknowledgement(r#"{"seqNum":"12","errorCode":0}"#);
        assert_eq!((good.seq_num, good.fault), (12, None));
        let bad = acknowledgement(r#"{"seqNum":13,"errorCode":1,"errorDesc":"no such rsu"}"#);
        assert_eq!(
            (bad.seq_num, bad.fault.as_deref()),
            (13, Some("1 no such rsu"))
        );
        let error = read(r#"{"errorCode":0}"#).unwrap_err().to_string();
        assert!(error.contains("seqNum"), "{error}");
    }
}
