internal import LinuxSystem

/// A list of rules, evaluated: a default for all devices, and exceptions from it.
///
/// As the devices controller of version 1 keeps it, so that both versions do the same; and
/// stricter in one point. Taking a part out of a wider exception is something that controller
/// ignores in silence: here it is an error.
struct DevicePolicy: Sendable, Hashable {
    struct Device: Hashable, Sendable {
        var kind: DeviceRule.Kind
        var major: UInt32?
        var minor: UInt32?
    }

    private(set) var allowsByDefault = false
    /// In the order they came.
    private(set) var exceptions: [(device: Device, access: DeviceRule.Access)] = []

    /// Starts with everything denied.
    ///
    /// - Parameter standard: What is allowed after the rules, but for what they deny in so many
    ///   words.
    init(_ rules: [DeviceRule], standard: [DeviceRule] = []) throws(Failure) {
        for rule in rules { try apply(rule) }
        // A default that goes against a wider denial of the config's gives way.
        for rule in standard { try? apply(rule) }
    }

    private mutating func apply(_ rule: DeviceRule) throws(Failure) {
        if rule.kind == .any {
            allowsByDefault = rule.allows
            exceptions = []
        } else if rule.allows == allowsByDefault {
            try remove(rule)
        } else {
            add(rule)
        }
    }

    private mutating func add(_ rule: DeviceRule) {
        let device = Device(kind: rule.kind, major: rule.major, minor: rule.minor)
        if let index = exceptions.firstIndex(where: { $0.device == device }) {
            exceptions[index].access.formUnion(rule.access)
        } else {
            exceptions.append((device, rule.access))
        }
    }

    private mutating func remove(_ rule: DeviceRule) throws(Failure) {
        let device = Device(kind: rule.kind, major: rule.major, minor: rule.minor)
        for wider in exceptions
        where wider.device.overlaps(device) && !device.covers(wider.device)
            && !wider.access.isDisjoint(with: rule.access)
        {
            throw Failure(
                "the rule \"\(rule.allows ? "allow" : "deny") \(device.line(rule.access))\" takes"
                    + " a part out of \"\(wider.device.line(wider.access))\", which the kernel"
                    + " cannot; write the parts that are meant")
        }
        // Exceptions inside the rule go too.
        for index in exceptions.indices where device.covers(exceptions[index].device) {
            exceptions[index].access.subtract(rule.access)
        }
        exceptions.removeAll { $0.access.isEmpty }
    }

    static func == (one: DevicePolicy, other: DevicePolicy) -> Bool {
        one.allowsByDefault == other.allowsByDefault
            && one.exceptions.elementsEqual(other.exceptions, by: ==)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(allowsByDefault)
        for (device, access) in exceptions {
            hasher.combine(device)
            hasher.combine(access)
        }
    }
}

extension DevicePolicy.Device {
    func covers(_ other: DevicePolicy.Device) -> Bool {
        kind == other.kind && (major == nil || major == other.major)
            && (minor == nil || minor == other.minor)
    }

    func overlaps(_ other: DevicePolicy.Device) -> Bool {
        kind == other.kind && (major == nil || other.major == nil || major == other.major)
            && (minor == nil || other.minor == nil || minor == other.minor)
    }

    /// `c 1:3 rwm`, as version 1 takes it.
    func line(_ access: DeviceRule.Access) -> String {
        "\(kind.rawValue) \(major.map(String.init) ?? "*"):\(minor.map(String.init) ?? "*")"
            + " \(access.letters)"
    }
}

extension DevicePolicy {
    /// The files of version 1 and what is written to them, in this order.
    var version1: [(file: String, value: String)] {
        let exceptionFile = allowsByDefault ? "devices.deny" : "devices.allow"
        return [(allowsByDefault ? "devices.allow" : "devices.deny", "a")]
            + exceptions.map { (exceptionFile, $0.device.line($0.access)) }
    }
}
