internal import LinuxSystem
internal import SystemPackage

/// `vfs.landlock`
struct PrepareLandlock: ContainerStep {
    static let manual = StepManual(
        "prepare the Landlock rules",
        what: """
            Makes Landlock rules from the mounts of the plan: reading everywhere in the root, \
            executing and writing where a mount allows it, ioctl of devices where a mount allows \
            devices. Rules add up: below a writable root the rules allow writing, and the mounts alone \
            protect what is read-only there. Making devices takes CAP_MKNOD in the config. From the \
            sixth version of the interface on the rules also keep the program from abstract sockets \
            and from signals to processes outside. A process of exec gets none of the latter rule in a \
            container with a pid namespace of its own, where there are no others.
            """,
        why: """
            Only with vfs.landlock. After the mounts, which the rules name by descriptor, and before \
            the change of user, who may not reach all of them.
            """,
        calls: "landlock_create_ruleset, openat2, fstat, landlock_add_rule")

    let rules: [LandlockRule]
    let version: Int
    let scopes: LandlockRules.Scopes
    /// Whether the init process waits for its start, at a file of the host.
    let waits: Bool

    var summary: String { "prepare Landlock rules for \(rules.count) places" }
    var needs: Provisions { waits ? [.root, .container] : [.root] }
    var gives: Provisions { [.landlockRules] }

    func apply(_ context: ContainerContext) throws(Failure) {
        let made = try attempt(
            "landlock_create_ruleset", try LandlockRules(version: version, scopes: scopes))
        for rule in rules {
            guard let (place, isDirectory) = try rule.open(context) else { continue }
            let access = isDirectory ? rule.access : rule.access.intersection(.ofFiles)
            try attempt(
                "landlock_add_rule", on: rule.path, try made.allow(access, below: place.borrowed))
        }
        if waits {
            let fifo = try context.handover.fifo.given(.container)
            try attempt(
                "landlock_add_rule", on: ContainerStore.fifoName,
                try made.allow(.writeFile, below: fifo.borrowed))
        }
        context.landlockRules = HeldRules(made)
    }
}

/// What is allowed below a path of the container.
struct LandlockRule: Sendable, Hashable {
    let path: String
    let access: LandlockAccess

    /// Nil where the path is covered by another mount: there is nothing to allow.
    func open(
        _ context: ContainerContext
    ) throws(Failure) -> (HeldDescriptor, isDirectory: Bool)? {
        let place = try context.place(path)
        do throws(Errno) {
            let opened = HeldDescriptor(try place.open(.path))
            return (opened, try FileStatus.of(opened.borrowed).kind == .directory)
        } catch .noSuchFileOrDirectory, .notDirectory {
            return nil
        } catch {
            throw Failure("openat2", path.inQuotes, error)
        }
    }

    /// The rules of a container.
    static func all(_ configuration: Configuration) -> [LandlockRule] {
        let bounding = configuration.process.capabilities.value.bounding
        let makesDevices = CapabilitySet(name: "CAP_MKNOD").map(bounding.isSuperset) ?? false
        func access(_ attributes: MountAttributes) -> LandlockAccess {
            var access: LandlockAccess = [.readFile, .readDirectory]
            if !attributes.contains(.noExecution) { access.insert(.execute) }
            if !attributes.contains(.noDevices) { access.insert(.controlDevices) }
            if attributes.contains(.readOnly) { return access }
            access.formUnion([.writeFile, .changeNames, .truncate])
            if makesDevices && !attributes.contains(.noDevices) { access.insert(.makeDevices) }
            return access
        }
        var root: MountAttributes = makesDevices ? [] : .noDevices
        if configuration.root.isReadOnly.value { root.insert(.readOnly) }
        var found: [(path: String, attributes: MountAttributes)] = [("/", root)]
        // Fresh where the config mounts nothing there; its devices are written to.
        let devices = Configuration.Mount.devices
        found.append((devices.destination, devices.set))
        for mount in configuration.mounts {
            let path = PathText.cleaned(mount.destination)
            let set = mount.set.union(mount.setRecursively)
            let clear = mount.clear.union(mount.clearRecursively)
            let known = found.firstIndex { $0.path == path }
            if let known, mount.kind == .remount {
                found[known].attributes = found[known].attributes.subtracting(clear).union(set)
            } else if let known {
                found[known].attributes = set
            } else {
                found.append((path, set))
            }
        }
        let rules = found.map { LandlockRule(path: $0.path, access: access($0.attributes)) }
        // Rules add up: one that allows no more than that of the root adds nothing.
        return rules.filter { $0.path == "/" || !rules[0].access.isSuperset(of: $0.access) }
    }
}
