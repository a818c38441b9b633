/// Amounts as people write them.
public enum Quantity {
    /// A duration in nanoseconds: `10s`, `500ms`, `1m30s`, `1.5h`; without a unit seconds, as in
    /// timeout(1).
    ///
    /// - Returns: Nil for other text, for none at all, and for more than 64 bits hold.
    public static func nanoseconds(_ text: String) -> UInt64? {
        var rest = Array(text.utf8)[...]
        var sum: UInt64 = 0
        repeat {
            guard let number = Decimal(&rest) else { return nil }
            let unit = takeLetters(&rest)
            // A number without a unit stands alone.
            if unit.isEmpty && (sum > 0 || !rest.isEmpty) { return nil }
            guard let factor = durations.first(where: { $0.unit == unit })?.nanoseconds,
                let part = number.times(factor)
            else { return nil }
            let (more, overflowed) = sum.addingReportingOverflow(part)
            if overflowed { return nil }
            sum = more
        } while !rest.isEmpty
        return sum > 0 ? sum : nil
    }

    private static let durations: [(unit: String, nanoseconds: UInt64)] = [
        ("", 1_000_000_000), ("ns", 1), ("us", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000), ("d", 86_400_000_000_000),
    ]

    /// A size in bytes, as podman takes it: `64m`, `1.5g`, `256MiB`, `4096`; units are powers of 1024.
    ///
    /// - Returns: Nil for other text, for none at all, and for more than 63 bits hold.
    public static func bytes(_ text: String) -> UInt64? {
        var rest = Array(text.utf8)[...]
        guard let number = Decimal(&rest) else { return nil }
        let unit = takeLetters(&rest)
        guard rest.isEmpty,
            let power = sizes.firstIndex(where: { [$0, $0 + "b", $0 + "ib"].contains(unit) })
                ?? (unit == "b" ? 0 : nil),
            let bytes = number.times(1 << (10 * UInt64(power))), bytes > 0,
            bytes <= UInt64(Int64.max)
        else { return nil }
        return bytes
    }

    private static let sizes = ["", "k", "m", "g", "t", "p"]

    /// For people: `256 MiB`.
    public static func size(_ bytes: UInt64) -> String {
        for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] as [(String, UInt64)]
        where bytes > 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift) \(unit)"
        }
        return "\(bytes) bytes"
    }

    /// For people: `1.5 s`.
    public static func duration(_ nanoseconds: UInt64) -> String {
        let milliseconds = nanoseconds / 1_000_000
        if milliseconds == 0 { return "\(nanoseconds) ns" }
        let rest = milliseconds % 1000
        if rest == 0 { return "\(milliseconds / 1000) s" }
        if milliseconds < 1000 { return "\(milliseconds) ms" }
        var digits = String(1000 + rest).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(milliseconds / 1000).\(digits) s"
    }

    private static func takeLetters(_ rest: inout ArraySlice<UInt8>) -> String {
        let letters = rest.prefix { (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) }
        rest = rest.dropFirst(letters.count)
        return String(decoding: letters, as: UTF8.self).lowercased()
    }

    /// Digits with at most nine of them behind a point.
    private struct Decimal {
        var whole: UInt64 = 0
        /// Of 1,000,000,000.
        var billionths: UInt64 = 0

        init?(_ rest: inout ArraySlice<UInt8>) {
            let digits = Decimal.take(&rest)
            guard !digits.isEmpty, digits.count <= 18 else { return nil }
            for digit in digits { whole = whole * 10 + UInt64(digit - 0x30) }
            guard rest.first == UInt8(ascii: ".") else { return }
            rest = rest.dropFirst()
            let behind = Decimal.take(&rest)
            guard !behind.isEmpty, behind.count <= 9 else { return nil }
            for index in 0..<9 {
                let digit = index < behind.count ? behind[behind.startIndex + index] : 0x30
                billionths = billionths * 10 + UInt64(digit - 0x30)
            }
        }

        private static func take(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            rest = rest.dropFirst(digits.count)
            return digits
        }

        /// Nil where it does not fit.
        func times(_ factor: UInt64) -> UInt64? {
            let (product, overflowed) = whole.multipliedReportingOverflow(by: factor)
            let part = billionths.multipliedFullWidth(by: factor)
            if overflowed || part.high >= 1_000_000_000 { return nil }
            let fraction = UInt64(1_000_000_000).dividingFullWidth(part).quotient
            let (sum, carried) = product.addingReportingOverflow(fraction)
            return carried ? nil : sum
        }
    }
}
