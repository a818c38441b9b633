public import DBus
public import LinuxSystem

/// A property of a unit, as systemd's interface takes it: `MemoryMax`, `uint64 67108864`.
public struct SystemdProperty: Sendable, Hashable {
    public var name: String
    public var value: DBusValue

    init(_ name: String, _ value: DBusValue) {
        self.name = name
        self.value = value
    }

    /// `(sv)`
    var encoded: DBusValue { .structure([.string(name), .variant(value)]) }

    /// The prefix of the annotations that are properties.
    public static let annotationPrefix = "org.systemd.property."

    /// A property out of the config, where the value has GVariant's notation: `'text'`, `true`,
    /// `uint64 5`, `['a', 'b']`. A name that ends in `Sec` is one of seconds, which the interface
    /// has in microseconds under a name that ends in `USec`.
    ///
    /// - Returns: Nil for an annotation that is no property.
    public init?(annotation key: String, _ value: String) throws(Failure) {
        guard key.hasPrefix(SystemdProperty.annotationPrefix) else { return nil }
        let name = String(key.dropFirst(SystemdProperty.annotationPrefix.count))
        let letters = name.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
        }
        guard letters, name.utf8.count > 2 else {
            throw Failure(
                "\"\(name)\" is not the name of a property; it has letters only"
            )
        }
        var parser = VariantText(value)
        let parsed: DBusValue
        do {
            parsed = try parser.whole()
        } catch {
            throw Failure("\(value): \(error.message)")
        }
        if name.hasSuffix("Sec") && !name.hasSuffix("USec") {
            guard let time = SystemdProperty.microseconds(parsed) else {
                throw Failure("\(value) is not a number of seconds")
            }
            self.init(name.dropLast(3) + "USec", .uint64(time))
        } else {
            self.init(name, parsed)
        }
    }

    private static func microseconds(_ seconds: DBusValue) -> UInt64? {
        let number: Double
        switch seconds {
        case .byte(let value): number = Double(value)
        case .int16(let value): number = Double(value)
        case .uint16(let value): number = Double(value)
        case .int32(let value): number = Double(value)
        case .uint32(let value): number = Double(value)
        case .int64(let value): number = Double(value)
        case .uint64(let value): number = Double(value)
        case .double(let value): number = value
        default: return nil
        }
        return UInt64(exactly: (number * 1_000_000).rounded())
    }
}
