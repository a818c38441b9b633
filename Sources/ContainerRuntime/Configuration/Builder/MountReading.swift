internal import LinuxSystem
internal import OCISpec

/// A mount of config.json with its options understood.
struct MountReading {
    let spec: Spec.Mount
    /// Everything but its kind.
    private(set) var mount: Configuration.Mount
    /// Set for a bind mount: whether it includes the mounts below its source.
    private(set) var bind: Bool?
    private(set) var isRemount = false
    /// The option tmpcopyup.
    private(set) var copyUp: Located<String>?
    /// Options that only the file system itself may know.
    private(set) var unknown: [Located<String>] = []
    private var parameters: [Configuration.Mount.Parameter] = []

    init(_ spec: Spec.Mount) {
        self.spec = spec
        // joined(separator:) works on any collection, which costs every start the metadata for it.
        var optionText = ""
        for option in spec.options {
            if !optionText.isEmpty { optionText += "," }
            optionText += option.value
        }
        // The specification deprecates relative destinations and still allows them.
        let destination = spec.destination.value
        mount = Configuration.Mount(
            destination: destination.hasPrefix("/") ? destination : "/" + destination,
            kind: .remount, origin: .config(spec.offset), optionText: optionText)
        if let mappings = Spec.mappings(spec.uidMappings, spec.gidMappings) {
            mount.idMapping = .init(mappings: mappings, isRecursive: false)
        }
        for option in spec.options {
            // As mount(2) takes them: several in one string, and empty ones.
            for piece in MountReading.pieces(of: option.value) {
                read(Located(piece, at: option.offset))
            }
        }
        if bind == nil && spec.type?.value == "bind" { bind = false }
    }

    private mutating func read(_ option: Located<String>) {
        switch MountOption.named(option.value) {
        case .attribute(let set, let clear):
            mount.change(\.set, \.clear, set, clear)
        case .recursiveAttribute(let set, let clear):
            mount.change(\.setRecursively, \.clearRecursively, set, clear)
        case .propagation(let kind, let isRecursive):
            mount.propagation.append(.init(kind: kind, isRecursive: isRecursive))
        case .bind(let isRecursive): bind = isRecursive || bind == true
        case .remount: isRemount = true
        case .copyUp:
            mount.copiesUp = true
            copyUp = option
        case .idMap(let isRecursive):
            mount.idMapping = .init(
                mappings: mount.idMapping?.mappings, isRecursive: isRecursive)
        case .superblock(let flag): parameters.append(.init(key: flag))
        case .nothing: break
        case nil:
            parameters.append(.init(option.value))
            unknown.append(option)
        }
    }

    /// Separated by commas, but for those in quotes and behind a backslash.
    private static func pieces(of text: String) -> [String] {
        if !text.isEmpty, !text.utf8.contains(UInt8(ascii: ",")) { return [text] }
        var pieces: [String] = []
        var piece: [UInt8] = []
        var isQuoted = false
        var isEscaped = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: ",") && !isQuoted && !isEscaped {
                if !piece.isEmpty { pieces.append(String(decoding: piece, as: UTF8.self)) }
                piece = []
                continue
            }
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
            piece.append(byte)
        }
        if !piece.isEmpty { pieces.append(String(decoding: piece, as: UTF8.self)) }
        return pieces
    }

    var isControlGroup: Bool { spec.type?.value == "cgroup" || spec.type?.value == "cgroup2" }

    /// Whether there is no file system that could take unknown options.
    var refusesUnknown: Bool { isRemount || bind != nil || isControlGroup }

    /// The type of a file system; nil where the config has none.
    var type: String? {
        spec.type.flatMap { $0.value.isEmpty || $0.value == "none" ? nil : $0.value }
    }

    /// The mount, with relative sources in `bundle`; nil where a check has failed.
    func configured(in bundle: String) -> Configuration.Mount? {
        var mount = mount
        if isRemount { return mount }
        if let bind {
            guard let source = spec.source, !source.value.isEmpty else { return nil }
            mount.kind = .bind(
                source: PathText.absolute(source.value, from: bundle), isRecursive: bind)
        } else if isControlGroup {
            mount.kind = .controlGroups
        } else {
            guard let type else { return nil }
            mount.kind = .fileSystem(
                type: type, source: spec.source?.value, parameters: parameters)
        }
        return mount
    }
}

extension Configuration.Mount {
    /// A destination that begins with the path of the root directory on the host means what lies
    /// below it, as other runtimes take it.
    func inside(_ root: Configuration.Root) -> Configuration.Mount {
        guard case .directory(let path) = root.source, path.value != "/" else { return self }
        let top = PathText.cleaned(path.value) + "/"
        let place = PathText.cleaned(destination)
        guard place.hasPrefix(top) else { return self }
        var mount = self
        mount.destination = "/" + place.dropFirst(top.utf8.count)
        return mount
    }

    /// A later option overrides an earlier one.
    fileprivate mutating func change(
        _ setPath: WritableKeyPath<Self, MountAttributes>,
        _ clearPath: WritableKeyPath<Self, MountAttributes>,
        _ set: MountAttributes, _ clear: MountAttributes
    ) {
        self[keyPath: setPath].subtract(clear)
        self[keyPath: setPath].override(with: set)
        self[keyPath: clearPath].subtract(set)
        self[keyPath: clearPath].formUnion(clear)
    }
}

extension Configuration.Mount.Parameter {
    /// `key=value` or `key`.
    init(_ text: String) {
        if let equals = text.firstIndex(of: "=") {
            let key = String(text[..<equals])
            var value = text[text.index(after: equals)...]
            // Engines quote a security context, whose categories have commas, as mount(8) wants it.
            if key.hasSuffix("context"), value.count > 1, value.hasPrefix("\""),
                value.hasSuffix("\"")
            {
                value = value.dropFirst().dropLast()
            }
            self.init(key: key, value: String(value))
        } else {
            self.init(key: text, value: nil)
        }
    }
}
