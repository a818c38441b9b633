internal import Glibc

/// The two functions that the conversion of weights takes.
enum Exponential {
    /// The corresponding C function is `log2`.
    static func log2(_ value: Double) -> Double { Glibc.log2(value) }

    /// The corresponding C function is `pow`.
    static func power(ofTen exponent: Double) -> Double { Glibc.pow(10, exponent) }
}
