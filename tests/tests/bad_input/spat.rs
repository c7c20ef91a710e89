//! Lights that belong to nothing, or to another time.

use rsu_firmware::network::MessageKind;
use rsu_firmware::stats::FrameKind;
use serde_json::json;

use crate::site::Site;

const SPAT: FrameKind = FrameKind::Known(MessageKind::Spat);

#[test]
fn lights_of_unknown_junctions_are_counted() {
    const OTHERS: u64 = 1_000;
    let mut site = Site::new();
    let mut spat = site.last(SPAT);
    let raised = site.raised(|site| {
        for id in 0..OTHERS {
            spat["spatFrame"]["intersections"][0]["intersectionId"] =
                json!({"region": 9, "id": id});
            assert_eq!(site.receive_message(&spat), Ok(None));
        }
    });
    assert_eq!(raised, [("signals_unknown_junction", OTHERS)].into());
    site.assert_goes_on();
}

#[test]
fn lights_of_before_do_not_replace_those_of_now() {
    let mut site = Site::new();
    let mut spat = site.last(SPAT);
    let stamp = &mut spat["spatFrame"]["timeStamp"];
    *stamp = json!((stamp.as_i64().unwrap() - 1_000).max(0));
    let raised = site.raised(|site| assert_eq!(site.receive_message(&spat), Ok(None)));
    assert_eq!(raised, [("signals_out_of_order", 1)].into());
    site.assert_goes_on();
}
