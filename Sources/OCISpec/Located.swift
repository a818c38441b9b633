/// A value of the document and where it stands.
public struct Located<Value> {
    public var value: Value
    /// Offset of its first byte in the document.
    public var offset: Int

    public init(_ value: Value, at offset: Int) {
        self.value = value
        self.offset = offset
    }

    public func map<Other>(_ transform: (Value) -> Other) -> Located<Other> {
        Located<Other>(transform(value), at: offset)
    }
}

extension Located: Sendable where Value: Sendable {}
extension Located: Equatable where Value: Equatable {}
