internal import LinuxSystem
internal import OCISpec

/// What an option of a mount means.
enum MountOption {
    case attribute(set: MountAttributes = [], clear: MountAttributes = [])
    case recursiveAttribute(set: MountAttributes = [], clear: MountAttributes = [])
    case propagation(MountPropagation, isRecursive: Bool)
    case bind(isRecursive: Bool)
    case remount
    /// What the directory below holds is copied into the new tmpfs.
    case copyUp
    /// A flag of the file system itself, which a bind mount shares and cannot change.
    case superblock(String)
    /// Known and without effect: the default, or what the kernel decides itself.
    case nothing
    /// Known, and another version's work.
    case unsupported
    /// Files are seen with other ids.
    case idMap(isRecursive: Bool)

    /// The options of the runtime specification 1.3.0, "Linux mount options".
    static let table: [(name: String, meaning: MountOption)] = [
        ("async", .superblock("async")),
        ("atime", .attribute(clear: .noAccessTime)),
        ("bind", .bind(isRecursive: false)),
        ("defaults", .nothing),
        ("dev", .attribute(clear: .noDevices)),
        ("diratime", .attribute(clear: .noDirectoryAccessTime)),
        ("dirsync", .superblock("dirsync")),
        ("exec", .attribute(clear: .noExecution)),
        // The file systems decide about i_version themselves since Linux 6.
        ("iversion", .nothing),
        ("lazytime", .superblock("lazytime")),
        // What the kernel prints about a mount: its words are read from the context anyway.
        ("loud", .nothing),
        // Mandatory locking has gone from the kernel (5.15).
        ("mand", .nothing),
        ("noatime", .attribute(set: .noAccessTime)),
        ("nodev", .attribute(set: .noDevices)),
        ("nodiratime", .attribute(set: .noDirectoryAccessTime)),
        ("noexec", .attribute(set: .noExecution)),
        ("noiversion", .nothing),
        ("nolazytime", .superblock("nolazytime")),
        ("nomand", .nothing),
        ("norelatime", .attribute(clear: .accessTimeMask)),
        ("nostrictatime", .attribute(clear: .strictAccessTime)),
        ("nosuid", .attribute(set: .noSetUserID)),
        ("nosymfollow", .attribute(set: .noSymbolicLinks)),
        ("private", .propagation(.private, isRecursive: false)),
        ("ratime", .recursiveAttribute(clear: .noAccessTime)),
        ("rbind", .bind(isRecursive: true)),
        ("rdev", .recursiveAttribute(clear: .noDevices)),
        ("rdiratime", .recursiveAttribute(clear: .noDirectoryAccessTime)),
        ("relatime", .attribute(clear: .accessTimeMask)),
        ("remount", .remount),
        ("rexec", .recursiveAttribute(clear: .noExecution)),
        ("rnoatime", .recursiveAttribute(set: .noAccessTime)),
        ("rnodev", .recursiveAttribute(set: .noDevices)),
        ("rnodiratime", .recursiveAttribute(set: .noDirectoryAccessTime)),
        ("rnoexec", .recursiveAttribute(set: .noExecution)),
        ("rnorelatime", .recursiveAttribute(clear: .accessTimeMask)),
        ("rnostrictatime", .recursiveAttribute(clear: .strictAccessTime)),
        ("rnosuid", .recursiveAttribute(set: .noSetUserID)),
        ("rnosymfollow", .recursiveAttribute(set: .noSymbolicLinks)),
        ("ro", .attribute(set: .readOnly)),
        ("rprivate", .propagation(.private, isRecursive: true)),
        ("rrelatime", .recursiveAttribute(clear: .accessTimeMask)),
        ("rro", .recursiveAttribute(set: .readOnly)),
        ("rrw", .recursiveAttribute(clear: .readOnly)),
        ("rshared", .propagation(.shared, isRecursive: true)),
        ("rslave", .propagation(.slave, isRecursive: true)),
        ("rstrictatime", .recursiveAttribute(set: .strictAccessTime)),
        ("rsuid", .recursiveAttribute(clear: .noSetUserID)),
        ("rsymfollow", .recursiveAttribute(clear: .noSymbolicLinks)),
        ("runbindable", .propagation(.unbindable, isRecursive: true)),
        ("rw", .attribute(clear: .readOnly)),
        ("shared", .propagation(.shared, isRecursive: false)),
        ("silent", .nothing),
        ("slave", .propagation(.slave, isRecursive: false)),
        ("strictatime", .attribute(set: .strictAccessTime)),
        ("suid", .attribute(clear: .noSetUserID)),
        ("symfollow", .attribute(clear: .noSymbolicLinks)),
        ("sync", .superblock("sync")),
        ("unbindable", .propagation(.unbindable, isRecursive: false)),
        ("idmap", .idMap(isRecursive: false)),
        ("ridmap", .idMap(isRecursive: true)),
        ("tmpcopyup", .copyUp),
    ]

    /// Nil for what is the file system's own: `mode=755`.
    static func named(_ name: String) -> MountOption? {
        table.first { $0.name == name }?.meaning
    }
}

extension Configuration.Mount {
    /// Reads `spec`; what is wrong goes to `diagnostics`.
    init?(_ spec: Spec.Mount, bundle: String, _ diagnostics: Diagnostics) {
        // joined(separator:) works on any collection, which costs every start the metadata for it.
        var optionText = ""
        for option in spec.options {
            if !optionText.isEmpty { optionText += "," }
            optionText += option.value
        }
        self.init(
            destination: spec.destination.value, kind: .remount, origin: .config(spec.offset),
            optionText: optionText)
        if !destination.hasPrefix("/") {
            // Deprecated by the specification, and still allowed: relative to "/".
            if !destination.isEmpty {
                diagnostics.warning(
                    "\"\(destination)\" is relative; write \"/\(destination)\"",
                    at: spec.destination.offset)
            }
            destination = "/" + destination
        }
        if let mappings = Spec.mappings(spec.uidMappings, spec.gidMappings) {
            idMapping = IDMapping(mappings: mappings, isRecursive: false)
        }
        var bind: Bool?
        var isRemount = false
        var parameters: [Parameter] = []
        var unknown: [Located<String>] = []
        for option in spec.options {
            switch MountOption.named(option.value) {
            case .attribute(let set, let clear): change(\.set, \.clear, set, clear)
            case .recursiveAttribute(let set, let clear):
                change(\.setRecursively, \.clearRecursively, set, clear)
            case .propagation(let kind, let isRecursive):
                propagation.append(.init(kind: kind, isRecursive: isRecursive))
            case .bind(let isRecursive): bind = isRecursive || bind == true
            case .remount: isRemount = true
            case .copyUp:
                copiesUp = true
                if spec.type?.value != "tmpfs" {
                    diagnostics.error(
                        "tmpcopyup fills a new tmpfs, and this is none; remove it",
                        at: option.offset)
                }
            case .idMap(let isRecursive):
                idMapping = IDMapping(mappings: idMapping?.mappings, isRecursive: isRecursive)
            case .superblock(let flag): parameters.append(Parameter(key: flag))
            case .nothing: break
            case .unsupported:
                diagnostics.error(
                    "the option \"\(option.value)\" is not supported yet; remove it",
                    at: option.offset)
            case nil:
                parameters.append(Parameter(option.value))
                unknown.append(option)
            }
        }
        let type = spec.type?.value
        if bind == nil && type == "bind" { bind = false }
        let isControlGroup = type == "cgroup" || type == "cgroup2"
        checkIDMapping(spec, isBind: bind != nil && !isRemount, diagnostics)
        if isRemount || bind != nil || isControlGroup {
            // There is no file system to hand it to: it would be dropped in silence.
            for option in unknown where !option.value.isEmpty {
                let near = nearestName(to: option.value, in: MountOption.table.map(\.name))
                diagnostics.error(
                    "\"\(option.value)\" is no option of this mount"
                        + (near.map { "; did you mean \"\($0)\"?" } ?? ""), at: option.offset)
            }
        }
        if isRemount { return }
        if let bind {
            guard let source = spec.source, !source.value.isEmpty else {
                diagnostics.error(
                    "a bind mount needs a source; name the file or directory of the host",
                    at: spec.offset)
                return nil
            }
            kind = .bind(
                source: PathText.absolute(source.value, from: bundle), isRecursive: bind)
            return
        }
        guard let type, !type.isEmpty, type != "none" else {
            diagnostics.error(
                "needs a type (\"tmpfs\", \"proc\" …) or the option \"bind\"", at: spec.offset)
            return nil
        }
        if isControlGroup {
            kind = .controlGroups
        } else {
            kind = .fileSystem(
                type: type, source: spec.source?.value, parameters: parameters)
        }
    }

    private func checkIDMapping(
        _ spec: Spec.Mount, isBind: Bool, _ diagnostics: Diagnostics
    ) {
        guard idMapping != nil else { return }
        if !isBind {
            diagnostics.error(
                "ids are mapped where a tree of the host is bound, and this mount is another; remove"
                    + " the mappings", at: spec.offset)
        }
        if spec.uidMappings.isEmpty != spec.gidMappings.isEmpty {
            diagnostics.error(
                "an id-mapped mount needs both uidMappings and gidMappings", at: spec.offset)
        }
    }

    /// A later option overrides an earlier one.
    private mutating func change(
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
            self.init(
                key: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
        } else {
            self.init(key: text, value: nil)
        }
    }
}
