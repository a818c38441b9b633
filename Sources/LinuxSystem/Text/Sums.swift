extension FixedWidthInteger {
    /// Adds `other`, and stays at the least or the greatest number where the sum is none: a program can
    /// give a file the greatest size there is.
    public mutating func add(upToLimit other: Self) {
        let (sum, isTooMuch) = addingReportingOverflow(other)
        self = isTooMuch ? (other < 0 ? .min : .max) : sum
    }
}
