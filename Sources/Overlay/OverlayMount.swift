public import LinuxSystem
public import SystemPackage

/// The parts of one overlay file system.
public struct OverlayMount: Sendable {
    /// The most lower layers that the kernel stacks.
    public static let maximumLayers = 500

    /// Bottom first.
    let lowers: [OverlayDirectory]
    let upper: OverlayDirectory?
    let work: OverlayDirectory?
    let options: [String]
    private let allowsUpperInLayer: Bool
    let isForeign: Bool

    /// - Parameters:
    ///   - lowers: Bottom first.
    ///   - allowsUpperInLayer: Where nothing reaches the upper through the overlay.
    ///   - isForeign: It is put together by the caller, who answers for what its layers are like: the
    ///     kernel alone looks at them.
    public init(
        lowers: [OverlayDirectory], upper: OverlayDirectory?, work: OverlayDirectory?,
        options: [String], allowsUpperInLayer: Bool = false, isForeign: Bool = false
    ) {
        self.isForeign = isForeign
        self.allowsUpperInLayer = allowsUpperInLayer
        self.lowers = lowers
        self.upper = upper
        self.work = work
        self.options = options
    }

    /// Makes the file system and mounts it on an opened directory.
    ///
    /// - Parameters:
    ///   - target: Where it is attached; must be in this mount namespace.
    ///   - interfaces: What is tried, in this order, while the kernel does not know it.
    /// - Returns: A handle on the root of the mount.
    /// - Throws: What failed, and why as far as it can be found out.
    public func mount(
        on target: FileDescriptor, interfaces: [OverlayInterface] = OverlayInterface.allCases
    ) throws(OverlayError) -> OwnedDescriptor {
        let made = try firstKnown(interfaces) { interface, log throws(Failure) in
            if interface == .optionString {
                return try mountByOptionString(target, log)
            }
            let mount = try configure(interface, log)
            do throws(Errno) {
                try mount.attach(to: target)
            } catch {
                throw .failed(explain("move_mount", nil, error, [], log))
            }
            return mount.release()
        }
        try requireKinds()
        return made
    }

    /// Makes the file system and attaches it nowhere yet.
    ///
    /// - Parameter interfaces: As for `mount`; an option string can only mount in one go and is
    ///   passed over.
    public func create(
        interfaces: [OverlayInterface] = OverlayInterface.allCases
    ) throws(OverlayError) -> DetachedMount {
        let made = try firstKnown(interfaces) { interface, log throws(Failure) in
            if interface == .optionString { throw .interfaceUnknown }
            return try configure(interface, log)
        }
        try requireKinds()
        return made
    }

    private func firstKnown<Value: ~Copyable>(
        _ interfaces: [OverlayInterface],
        _ attempt: (OverlayInterface, borrowing KernelLog) throws(Failure) -> Value
    ) throws(OverlayError) -> Value {
        if lowers.count > OverlayMount.maximumLayers {
            throw OverlayError(
                "\(lowers.count) layers are too many: overlayfs stacks at most "
                    + "\(OverlayMount.maximumLayers); merge some of them", .invalidArgument)
        }
        if !isForeign {
            try refuseUpperInLayer()
            try requireMarks()
            try requireAttributes()
        }
        do throws(OverlayError) {
            return try firstKnown(interfaces, KernelLog(isRead: false), attempt)
        } catch {
            // Once more, to learn why from the kernel's log.
            return try firstKnown(interfaces, KernelLog(), attempt)
        }
    }

    private func firstKnown<Value: ~Copyable>(
        _ interfaces: [OverlayInterface], _ log: borrowing KernelLog,
        _ attempt: (OverlayInterface, borrowing KernelLog) throws(Failure) -> Value
    ) throws(OverlayError) -> Value {
        var takesKeys = true
        for interface in interfaces where takesKeys || interface == .optionString {
            do {
                return try attempt(interface, log)
            } catch {
                switch error {
                case .interfaceUnknown: continue
                case .keysUnchecked: takesKeys = false
                case .failed(let error): throw error
                }
            }
        }
        throw OverlayError("this kernel has no way to mount an overlay", .notSupported)
    }

    /// An upper that lies inside a layer would change that layer while it is mounted, which has
    /// no defined result. The kernel takes it without a word; for a layer in an upper it is ELOOP.
    private func refuseUpperInLayer() throws(OverlayError) {
        // A throw-away upper has no path and lies nowhere.
        guard let upper, isKept, !allowsUpperInLayer else { return }
        let place = OverlayFacts.Place(upper)
        for lower in lowers where place.isInside(OverlayFacts.Place(lower)) {
            throw OverlayError(
                "the upper \"\(upper.path)\" lies inside the layer \"\(lower.path)\"; they must"
                    + " be separate trees", .tooManySymbolicLinkLevels)
        }
    }

    /// Why an attempt ended.
    private enum Failure: Error {
        /// The kernel does not have the interface; the next one may do.
        case interfaceUnknown
        /// Before 6.5 overlayfs sees the options only when it is mounted: `fsconfig` takes every
        /// key that is a string and refuses every descriptor.
        case keysUnchecked
        case failed(OverlayError)
    }

    // MARK: fsopen

    private func configure(
        _ interface: OverlayInterface, _ log: borrowing KernelLog
    ) throws(Failure) -> DetachedMount {
        let context: FileSystemContext
        do {
            context = try FileSystemContext("overlay")
        } catch {
            throw .failed(OverlayError.noOverlay(error))
        }
        // What mountinfo shows as the device; no more than that.
        try set("source=overlay", context, log)
        // Top first, as overlayfs orders them.
        for (position, lower) in lowers.enumerated().reversed() {
            let first = position == lowers.count - 1
            try set("lowerdir+", lower, interface, context, log, mayBeUnknown: first)
        }
        if let upper {
            try set("upperdir", upper, interface, context, log, mayBeUnknown: lowers.isEmpty)
        }
        if let work { try set("workdir", work, interface, context, log) }
        for option in options { try set(option, context, log) }
        do {
            try context.create()
        } catch {
            throw .failed(explain("fsconfig", nil, error, context.messages(), log))
        }
        let mount = try made(context, log)
        // Where it cannot use the work directory the kernel mounts read-only, says so in its log,
        // and calls it a success.
        if upper != nil && mount.borrowed.isOnReadOnlyFileSystem {
            throw .failed(
                explain("fsmount", nil, .readOnlyFileSystem, context.messages(), log))
        }
        return mount
    }

    private func made(
        _ context: borrowing FileSystemContext, _ log: borrowing KernelLog
    ) throws(Failure) -> DetachedMount {
        do {
            return try context.mount()
        } catch {
            throw .failed(explain("fsmount", nil, error, context.messages(), log))
        }
    }

    private func set(
        _ key: String, _ directory: OverlayDirectory, _ interface: OverlayInterface,
        _ context: borrowing FileSystemContext, _ log: borrowing KernelLog,
        mayBeUnknown: Bool = false
    ) throws(Failure) {
        do {
            switch interface {
            case .descriptors: try context.set(key, directory.borrowed)
            case .paths, .optionString:
                try context.set(key, "/proc/self/fd/\(directory.borrowed.rawValue)")
            }
        } catch {
            let messages = context.messages()
            // EINVAL with no word, or with one about the parameter itself: an older kernel.
            let aboutParameter = messages.allSatisfy {
                $0.has("Unknown parameter") || $0.has("Bad value")
            }
            if mayBeUnknown && error == .notSupportedOnSocket { throw .keysUnchecked }
            // Linux 6.5 to 6.14 takes no descriptor of O_PATH, whatever the key.
            if mayBeUnknown && error == .badFileDescriptor && interface == .descriptors {
                throw .interfaceUnknown
            }
            if mayBeUnknown && error == .invalidArgument && aboutParameter {
                throw .interfaceUnknown
            }
            throw .failed(explain(key, directory.path, error, messages, log))
        }
    }

    private func set(
        _ option: String, _ context: borrowing FileSystemContext, _ log: borrowing KernelLog
    ) throws(Failure) {
        let parts = option.split(separator: "=", maxSplits: 1).map(String.init)
        do {
            if parts.count == 2 {
                try context.set(parts[0], parts[1])
            } else {
                try context.set(option)
            }
        } catch {
            throw .failed(explain("option", option, error, context.messages(), log))
        }
    }

    // MARK: mount(2)

    private func mountByOptionString(
        _ target: FileDescriptor, _ log: borrowing KernelLog
    ) throws(Failure) -> OwnedDescriptor {
        do {
            return try mountByOptionString(target)
        } catch {
            throw .failed(explain("mount", nil, error, [], log))
        }
    }

    private func mountByOptionString(_ target: FileDescriptor) throws(Errno) -> OwnedDescriptor {
        let scratch = try FileSystemContext("tmpfs")
        try scratch.create()
        let links = try scratch.mount()
        let before = try HostPath.open(".", [.path, .directory])
        try CurrentProcess.changeDirectory(links.borrowed)
        defer { try? CurrentProcess.changeDirectory(before.borrowed) }
        func link(_ directory: OverlayDirectory, as name: String) throws(Errno) -> String {
            let target = "/proc/self/fd/\(directory.borrowed.rawValue)"
            try links.borrowed.makeSymbolicLink(name, to: target)
            return name
        }
        var names: [String] = []
        for (position, lower) in lowers.enumerated() {
            names.insert(try link(lower, as: "\(position)"), at: 0)
        }
        var data = ["lowerdir=" + names.joined(separator: ":")]
        if let upper { data.append("upperdir=" + (try link(upper, as: "u"))) }
        if let work { data.append("workdir=" + (try link(work, as: "w"))) }
        // A context has commas in it; only SELinux takes quotes.
        data += options.map {
            $0.hasPrefix("context=") ? "context=\"\($0.dropFirst(8))\"" : $0
        }
        try MountTree.mount(
            "overlay", source: "overlay", on: "/proc/self/fd/\(target.rawValue)",
            data: data.joined(separator: ","))
        // The directory that was mounted on still names what is below: a path that leads to it
        // crosses into the new mount, and so does `..` of the root.
        let folder = try HostPath.open("/proc/self/fd", [.path, .directory])
        let path = try folder.borrowed.linkTarget("\(target.rawValue)")
        return try HostPath.open(path == "/" ? "/.." : path, [.path, .directory])
    }

    // MARK: Why

    private func explain(
        _ key: String, _ subject: String?, _ errno: Errno, _ messages: [String],
        _ log: borrowing KernelLog
    ) -> OverlayError {
        var facts = OverlayFacts(key: key, subject: subject, errno: errno, options: options)
        facts.contextWords = messages
        facts.logWords = log.messages(prefix: "overlayfs: ")
        facts.lowers = lowers.map(OverlayFacts.Place.init)
        facts.upper = upper.map(OverlayFacts.Place.init)
        facts.work = work.map(OverlayFacts.Place.init)
        return facts.explanation
    }
}
