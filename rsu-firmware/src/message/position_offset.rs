//! Positions relative to a reference position, in as many bits as they need.

use super::{Elevation, Latitude, Longitude};
use crate::uper::{Integers, Range, choice, integer, sequence};

sequence! {
    /// A position relative to a reference position (DF_PositionOffsetLLV).
    pub struct PositionOffsetLlv => path_point {
        /// In the plane.
        "offsetLL" offset_ll: PositionOffsetLl,
        /// In height.
        "offsetV" offset_v: Option<VerticalOffset>,
    }
}

choice! {
    /// An offset in the plane, in as many bits as it needs (DF_PositionOffsetLL).
    pub enum PositionOffsetLl: [INTEGER; 2] {
        /// Up to about 20 m.
        Ll1(PositionLl24B) = 0 "position-LL1",
        /// Up to about 80 m.
        Ll2(PositionLl28B) = 1 "position-LL2",
        /// Up to about 320 m.
        Ll3(PositionLl32B) = 2 "position-LL3",
        /// Up to about 1.3 km.
        Ll4(PositionLl36B) = 3 "position-LL4",
        /// Up to about 20 km.
        Ll5(PositionLl44B) = 4 "position-LL5",
        /// Up to about 83 km.
        Ll6(PositionLl48B) = 5 "position-LL6",
        /// Absolute.
        LatLon(PositionLlMd64B) = 6 "position-LatLon",
    }

    /// An offset in height (DF_VerticalOffset).
    pub enum VerticalOffset: [INTEGER; 1] {
        /// In 7 bits.
        Offset1(VertOffsetB07) = 0 "offset1",
        /// In 8 bits.
        Offset2(VertOffsetB08) = 1 "offset2",
        /// In 9 bits.
        Offset3(VertOffsetB09) = 2 "offset3",
        /// In 10 bits.
        Offset4(VertOffsetB10) = 3 "offset4",
        /// In 11 bits.
        Offset5(VertOffsetB11) = 4 "offset5",
        /// In 12 bits.
        Offset6(VertOffsetB12) = 5 "offset6",
        /// Absolute.
        Elevation(Elevation) = 6 "elevation",
    }
}

integer! {
    /// 0.1 m in 7 bits (DE_VertOffset-B07).
    pub struct VertOffsetB07(i32) in -64..=63;
    /// 0.1 m in 8 bits (DE_VertOffset-B08).
    pub struct VertOffsetB08(i32) in -128..=127;
    /// 0.1 m in 9 bits (DE_VertOffset-B09).
    pub struct VertOffsetB09(i32) in -256..=255;
    /// 0.1 m in 10 bits (DE_VertOffset-B10).
    pub struct VertOffsetB10(i32) in -512..=511;
    /// 0.1 m in 11 bits (DE_VertOffset-B11).
    pub struct VertOffsetB11(i32) in -1024..=1023;
    /// 0.1 m in 12 bits (DE_VertOffset-B12).
    pub struct VertOffsetB12(i32) in -2048..=2047;
}

macro_rules! position_ll {
    ($(
        $(#[$meta:meta])*
        pub struct $position:ident {
            $(#[$lon_meta:meta])* lon: $lon:ty,
            $(#[$lat_meta:meta])* lat: $lat:ty,
        }
    )+) => {$(
        sequence! {
            $(#[$meta])*
            pub struct $position {
                $(#[$lon_meta])* "lon" lon: $lon,
                $(#[$lat_meta])* "lat" lat: $lat,
            }
        }

        impl Integers<2> for $position {
            const RANGES: [Range; 2] = [<$lon>::RANGES[0], <$lat>::RANGES[0]];

            #[inline(always)]
            fn integers(&self) -> [i32; 2] {
                [self.lon.integers()[0], self.lat.integers()[0]]
            }
        }
    )+};
}

macro_rules! offset_ll {
    ($($(#[$meta:meta])* $position:ident of $axis:ident in $min:literal..=$max:literal;)+) => {
        integer! {$(
            $(#[$meta])*
            pub struct $axis(i32) in $min..=$max;
        )+}
        position_ll! {$(
            $(#[$meta])*
            pub struct $position {
                /// To the east.
                lon: $axis,
                /// To the north.
                lat: $axis,
            }
        )+}
    };
}

offset_ll! {
    /// 1e-7 degrees in 12 bits (DF_Position-LL-24B).
    PositionLl24B of OffsetLlB12 in -2048..=2047;
    /// 1e-7 degrees in 14 bits (DF_Position-LL-28B).
    PositionLl28B of OffsetLlB14 in -8192..=8191;
    /// 1e-7 degrees in 16 bits (DF_Position-LL-32B).
    PositionLl32B of OffsetLlB16 in -32768..=32767;
    /// 1e-7 degrees in 18 bits (DF_Position-LL-36B).
    PositionLl36B of OffsetLlB18 in -131072..=131071;
    /// 1e-7 degrees in 22 bits (DF_Position-LL-44B).
    PositionLl44B of OffsetLlB22 in -2097152..=2097151;
    /// 1e-7 degrees in 24 bits (DF_Position-LL-48B).
    PositionLl48B of OffsetLlB24 in -8388608..=8388607;
}

position_ll! {
    /// A position in WGS 84 where an offset is too large (DF_Position-LLmD-64b).
    pub struct PositionLlMd64B {
        /// Longitude, not an offset.
        lon: Longitude,
        /// Latitude, not an offset.
        lat: Latitude,
    }
}
