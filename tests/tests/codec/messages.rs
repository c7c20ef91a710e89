//! One message of each kind, in JER and with most of what it may hold; valid in both profiles.

use serde_json::{Value, json};

pub(crate) fn bsm() -> Value {
    json!({
        "msgCnt": 0,
        "id": "0011223344556677",
        "secMark": 0,
        "timeConfidence": "time-000-001",
        "pos": { "lat": 0, "long": 0 },
        "transmission": "forwardGears",
        "speed": 0,
        "heading": 0,
        "angle": 0,
        "accelSet": { "long": 0, "lat": 0, "vert": 0, "yaw": 0 },
        "brakes": { "brakePadel": "off", "brakeBoost": "off" },
        "size": { "width": 180, "length": 450 },
        "vehicleClass": { "classification": 10 },
        "safetyExt": {
            "events": { "value": "0100", "length": 13 },
            "pathHistory": {
                "initialPosition": {
                    "utcTime": { "month": 6, "hour": 12, "minute": 30, "offset": 480 },
                    "pos": { "lat": 0, "long": 0 },
                },
                "crumbData": [crumb(), crumb()],
            },
            "pathPrediction": { "radiusOfCurve": 32767, "confidence": 200 },
            "lights": { "value": "8000", "length": 9 },
        },
        "emergencyExt": { "responseType": "emergency" },
    })
}

pub(crate) fn crumb() -> Value {
    json!({
        "llvOffset": { "offsetLL": { "position-LL1": { "lon": 1, "lat": -1 } }, "offsetV": { "offset1": 0 } },
        "timeOffset": 10,
        "heading": 240,
    })
}

pub(crate) fn map() -> Value {
    json!({ "msgCnt": 0, "timeStamp": 0, "nodes": [node()] })
}

pub(crate) fn node() -> Value {
    json!({
        "name": "Renmin Lu",
        "id": { "region": 1, "id": 2 },
        "refPos": { "lat": 0, "long": 0 },
        "inLinks": [{
            "name": "Renmin Lu, northbound",
            "upstreamNodeId": { "region": 1, "id": 1 },
            "speedLimits": [{ "type": "vehicleMaxSpeed", "speed": 833 }],
            "linkWidth": 350,
            "points": [road_point(), road_point()],
            "movements": [{ "remoteIntersection": { "id": 3 }, "phaseId": 1 }],
            "lanes": [{
                "laneID": 1,
                "laneAttributes": { "laneType": { "vehicle": { "value": "00", "length": 8 } } },
                "maneuvers": "8000",
                "connectsTo": [{ "remoteIntersection": { "id": 3 }, "phaseId": 1 }],
                "speedLimits": [{ "type": "vehicleMaxSpeed", "speed": 833 }],
                "points": [road_point(), road_point()],
            }],
        }],
    })
}

pub(crate) fn road_point() -> Value {
    json!({ "posOffset": { "offsetLL": { "position-LatLon": { "lon": 0, "lat": 0 } } } })
}

pub(crate) fn rsm() -> Value {
    json!({
        "msgCnt": 0,
        "id": "0011223344556677",
        "refPos": { "lat": 0, "long": 0 },
        "participants": [participant("rsu"), participant("motor")],
    })
}

fn participant(kind: &str) -> Value {
    json!({
        "ptcType": kind,
        "ptcId": 0,
        "source": "video",
        "secMark": 0,
        "pos": offset(),
        "posConfidence": { "pos": "a1m" },
        "speed": 0,
        "heading": 0,
        "angle": 0,
        "accelSet": { "long": 0, "lat": 0, "vert": 0, "yaw": 0 },
        "size": { "width": 0, "length": 0 },
    })
}

pub(crate) fn offset() -> Value {
    json!({ "offsetLL": { "position-LL1": { "lon": 1, "lat": -1 } } })
}

pub(crate) fn spat() -> Value {
    let red = json!({ "light": "red" });
    let timed = |timing| json!({ "light": "protected-green", "timing": timing });
    let counting = json!({
        "startTime": 0,
        "minEndTime": 1,
        "maxEndTime": 3,
        "likelyEndTime": 2,
        "timeConfidence": 200,
        "nextStartTime": 36001,
        "nextDuration": 36000,
    });
    let utc_timing = json!({
        "startUTCTime": 0,
        "minEndUTCTime": 1,
        "maxEndUTCTime": 3,
        "likelyEndUTCTime": 2,
        "timeConfidence": 0,
        "nextStartUTCTime": 36001,
        "nextEndUTCTime": 36000,
    });
    let timed_states = [
        timed(json!({ "counting": counting })),
        timed(json!({ "utcTiming": utc_timing })),
    ];
    json!({
        "msgCnt": 0,
        "moy": 0,
        "name": "Renmin Lu",
        "intersections": [{
            "intersectionId": { "region": 1, "id": 2 },
            "status": "0400",
            "moy": 0,
            "timeConfidence": "time-000-001",
            "phases": [
                { "id": 1, "phaseStates": [red] },
                { "id": 2, "phaseStates": timed_states },
            ],
        }],
    })
}

pub(crate) fn rsi() -> Value {
    json!({
        "msgCnt": 0,
        "moy": 0,
        "id": "0011223344556677",
        "refPos": { "lat": 0, "long": 0 },
        "rtes": [{
            "rteId": 0,
            "eventType": 707,
            "eventSource": "police",
            "description": { "textGB2312": "B5C0" },
            "timeDetails": { "startTime": 0, "endTime": 527040 },
            "referencePaths": [{ "activePath": [offset(), offset()], "pathRadius": 35 }],
            "eventConfidence": 200,
        }],
        "rtss": [{ "rtsId": 1, "signType": 85, "description": { "textString": "slow" } }],
    })
}
