extension UInt32 {
    /// Decimal digits and nothing else: no sign, no space.
    @inlinable
    public init?(digits: some Collection<UInt8>) {
        guard !digits.isEmpty else { return nil }
        var value: UInt32 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (tens, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = tens.addingReportingOverflow(UInt32(digit - UInt8(ascii: "0")))
            if overflowed || carried { return nil }
            value = sum
        }
        self = value
    }
}
