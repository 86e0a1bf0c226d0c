//! Distance over the surface of the earth.

use trimtab_model::Coordinates;

/// A position as a vector of length one from the centre of the earth: distances without sines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    x: f64,
    y: f64,
    z: f64,
}

/// Mean radius of the earth (IUGG), in kilometres.
const EARTH_RADIUS_KM: f64 = 6371.0088;

/// Great-circle distance. Where one side is asked often, keep its [`Point`].
pub fn distance_km(a: Coordinates, b: Coordinates) -> f64 {
    Point::from(a).distance_km(&Point::from(b))
}

// === impl Point ===

impl Point {
    /// The chord tells near points apart, where the arc cosine of the dot product does not.
    pub fn distance_km(&self, other: &Point) -> f64 {
        let half_chord = self.chord_squared(other).sqrt() / 2.0;
        2.0 * EARTH_RADIUS_KM * half_chord.min(1.0).asin()
    }

    /// Orders points by distance without the root and the arc sine.
    pub fn chord_squared(&self, other: &Point) -> f64 {
        let (x, y, z) = (self.x - other.x, self.y - other.y, self.z - other.z);
        x * x + y * y + z * z
    }
}

impl From<Coordinates> for Point {
    fn from(place: Coordinates) -> Point {
        let (latitude, longitude) = (place.latitude.to_radians(), place.longitude.to_radians());
        let ring = latitude.cos();
        Point { x: ring * longitude.cos(), y: ring * longitude.sin(), z: latitude.sin() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_great_circles() {
        let at = |latitude, longitude| Coordinates::new(latitude, longitude).unwrap();
        let check = |a, b, km: f64| {
            let (there, back) = (distance_km(a, b), distance_km(b, a));
            assert!((there - km).abs() < 1.0, "{there} is not {km}");
            assert_eq!(there, back);
        };
        let (frankfurt, new_york) = (at(50.0333, 8.5706), at(40.6398, -73.7789));
        check(frankfurt, new_york, 6189.5);
        check(frankfurt, frankfurt, 0.0);
        check(at(0.0, 0.0), at(0.0, 180.0), 20015.1);
        check(at(90.0, 0.0), at(-90.0, 77.0), 20015.1);
        check(at(0.0, 179.5), at(0.0, -179.5), 111.2);
        check(at(51.5, 0.0), at(51.5, 0.001), 0.0692);
    }
}
