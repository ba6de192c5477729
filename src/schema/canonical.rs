//! The canonical form of a JSON document (RFC 8785) and its hash: what makes two spellings of a Model Licence one.

use alloy::primitives::{B256, keccak256};
use serde_json::Value;

/// The document in canonical form.
pub fn canonical(document: &Value) -> Vec<u8> {
    // A JSON value holds no NaN, no infinity and no key that is not text: nothing that could fail to serialise.
    serde_json_canonicalizer::to_vec(document).expect("a JSON value has a canonical form")
}

/// keccak256 of the document in canonical form.
pub fn hash(document: &Value) -> B256 {
    keccak256(canonical(document))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::strict;

    fn rewritten(text: &str) -> String {
        String::from_utf8(canonical(&strict::read(text.as_bytes(), 1 << 16).unwrap())).unwrap()
    }

    /// RFC 8785, sections 3.2.2 and 3.2.3.
    #[test]
    fn the_example_of_the_rfc() {
        let text = r#"{
          "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
          "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
          "literals": [null, true, false]
        }"#;
        let canonical = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
                         \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(rewritten(text), canonical);
    }

    /// RFC 8785, section 3.2.3: keys are sorted by UTF-16 code units, not by bytes.
    #[test]
    fn the_sorting_example_of_the_rfc() {
        let text = r#"{
          "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
          "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
        }"#;
        let written = rewritten(text);
        let places: Vec<_> = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"]
            .iter()
            .map(|name| written.find(name).unwrap())
            .collect();
        assert!(places.is_sorted(), "{written}");
    }

    /// RFC 8785, appendix B (the finite samples).
    #[test]
    fn the_number_samples_of_the_rfc() {
        for (bits, text) in [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            assert_eq!(canonical(&json!(f64::from_bits(bits))), text.as_bytes(), "{bits:016x}");
        }
    }

    #[test]
    fn one_document_has_one_hash_however_it_is_spelled() {
        let read = |text: &str| hash(&strict::read(text.as_bytes(), 1 << 16).unwrap());
        assert_eq!(read("{\"b\":1.0,\"a\":\"\\u00e9\"}"), read("{ \"a\": \"é\", \"b\": 1 }"));
        assert_ne!(read("{\"a\":1}"), read("{\"a\":2}"));
        // keccak256 of `{}`, computed elsewhere.
        assert_eq!(read("{ }").to_string(), "0xb48d38f93eaa084033fc5970bf96e559c33c4cdc07d889ab00b4d63f9590739d");
    }
}
