use super::*;

const EXAMPLE: &str = include_str!("../../rsu.example.toml");

const LEAST: &str = r#"
[unit]
id = "R328328"
esn = "ESN-0001"
[radio]
listen = "[::]:30299"
[mqtt]
brokers = ["mqtt://localhost:1883"]
"#;

fn parse(text: &str) -> Result<Config, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

fn refusal(text: &str) -> String {
    match parse(text) {
        Err(error) => error,
        Ok(_) => panic!("accepted:\n{text}"),
    }
}

#[test]
fn the_example_shows_the_defaults() {
    let least = parse(LEAST).unwrap();
    let mut example = parse(EXAMPLE).unwrap();
    example.log = LogSection::default();
    assert_eq!(format!("{example:#?}"), format!("{least:#?}"));
}

#[test]
fn what_the_example_leaves_out_is_valid_too() {
    let everything = EXAMPLE.replace("\n## ", "\n");
    let config = parse(&everything).unwrap();
    assert_eq!(config.contradiction(), None);
    assert!(config.recording().is_some());
    assert_eq!(
        config.platform().unit.position.map(|p| p.latitude_deg),
        Some(29.7215)
    );
}

#[test]
fn unknown_keys_are_named_with_their_line() {
    let error = refusal(&LEAST.replace("esn =", "serial ="));
    assert!(
        error.contains("line 4") && error.contains("serial"),
        "{error}"
    );
    let error = refusal(&format!("{LEAST}[mqttt]\n"));
    assert!(
        error.contains("line 9") && error.contains("mqttt"),
        "{error}"
    );
}

#[test]
fn values_out_of_range_are_named_with_their_line() {
    let error = refusal(&format!("{LEAST}keep_alive_s = 4\n"));
    assert!(
        error.contains("line 9") && error.contains("keep_alive_s"),
        "{error}"
    );
    assert!(error.contains("from 5 to 300"), "{error}");
    let error = refusal(&LEAST.replace("R328328", "R/328328"));
    assert!(
        error.contains("line 3") && error.contains("RSU id"),
        "{error}"
    );
    let error = refusal(&LEAST.replace("mqtt://localhost:1883", "localhost"));
    assert!(
        error.contains("line 8") && error.contains("mqtt://"),
        "{error}"
    );
    let error = refusal(&LEAST.replace("[::]:30299", "30299"));
    assert!(error.contains("line 6"), "{error}");
    let error = refusal(&format!(
        "{LEAST}[device]\ngnss = {{ port = \"/dev/ttyS1\", baud = 300 }}\n"
    ));
    assert!(
        error.contains("line 10") && error.contains("from 1200 to 921600"),
        "{error}"
    );
}

#[test]
fn what_is_missing_is_named() {
    let error = refusal(&LEAST.replace("esn = \"ESN-0001\"", ""));
    assert!(error.contains("esn"), "{error}");
}

#[test]
fn keys_that_contradict_one_another_are_told() {
    for (addition, told) in [
        ("username = \"a\"", None),
        ("password_file = \"a\"", Some("mqtt.username")),
        ("reconnect_delay_s_min = 61", Some("reconnect_delay_s_max")),
    ] {
        let config = parse(&format!("{LEAST}{addition}\n")).unwrap();
        let contradiction = config.contradiction();
        assert_eq!(contradiction.is_some(), told.is_some(), "{addition}");
        assert!(
            contradiction
                .unwrap_or_default()
                .contains(told.unwrap_or_default())
        );
    }
    let alone = LEAST.replace("[radio]", "latitude_deg = 1.0\n[radio]");
    assert!(parse(&alone).unwrap().contradiction().is_some());
}
