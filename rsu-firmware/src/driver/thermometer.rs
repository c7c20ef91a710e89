//! A thermometer of the LM75 family at an I2C bus: LM75, TMP75, TMP102, PCT2075.

use embedded_hal::i2c::I2c;

/// The register of the temperature.
const TEMPERATURE_REGISTER: u8 = 0;

/// A thermometer at an address.
#[derive(Debug)]
pub struct Thermometer<I> {
    bus: I,
    address: u8,
}

impl<I: I2c> Thermometer<I> {
    /// The thermometer at `address`, 7 bits: 0x48 to 0x4F.
    pub fn new(bus: I, address: u8) -> Self {
        Self { bus, address }
    }

    /// The temperature in degrees Celsius, in steps of 1/256 or what the chip has.
    ///
    /// # Errors
    /// That of the bus.
    pub fn read_celsius(&mut self) -> Result<f32, I::Error> {
        let mut register = [0; 2];
        self.bus
            .write_read(self.address, &[TEMPERATURE_REGISTER], &mut register)?;
        Ok(f32::from(i16::from_be_bytes(register)) / 256.0)
    }

    /// The bus, for something else.
    pub fn release(self) -> I {
        self.bus
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    #[test]
    fn the_register_is_two_complement_with_eight_binary_places() {
        for (register, celsius) in [
            ([0x19, 0x00], 25.0),
            ([0x19, 0x80], 25.5),
            ([0x00, 0x00], 0.0),
            ([0xE7, 0x00], -25.0),
            ([0xFF, 0xF0], -0.0625),
            ([0x7D, 0x00], 125.0),
        ] {
            let asked = [Transaction::write_read(
                0x48,
                [0].to_vec(),
                register.to_vec(),
            )];
            let mut thermometer = Thermometer::new(Mock::new(&asked), 0x48);
            assert_eq!(thermometer.read_celsius().unwrap(), celsius);
            thermometer.release().done();
        }
    }
}
