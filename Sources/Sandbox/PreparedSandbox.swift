public import JSON
public import LinuxSystem
internal import SystemPackage

/// A sandbox that is ready to run: its config.json, the place of what it keeps, and its ids. Both are
/// held while this value lives.
public final class PreparedSandbox {
    /// config.json, each value with the words of the command line that it comes from.
    public let config: JSONOutput
    public let warnings: [String]
    /// Nil: what is written is discarded.
    public private(set) var kept: KeptSandbox?
    /// Whether the kept sandbox was made for this run.
    private let isNew: Bool
    private let store: SandboxStore?
    private let slot: IDSlot?

    /// How what is written is kept.
    public enum Keeping: Sendable, Hashable {
        case discard
        /// In a sandbox with a number for a name.
        case new
        /// In the sandbox of that name, which is made where it is missing.
        case named(SandboxName)
    }

    /// - Parameter rehearses: The sandbox is not run: nothing is made or locked.
    public init(
        _ request: SandboxRequest, _ host: SandboxHost, _ keeping: Keeping, rehearses: Bool
    ) throws(Failure) {
        let builder = SandboxBuilder(request, host)
        let store = keeping == .discard ? nil : try SandboxStore.ofCaller()
        self.store = store
        var found: KeptSandbox?
        if case .named(let name) = keeping, let store {
            found = try PreparedSandbox.find(name, in: store)
        }
        if !rehearses, let known = found {
            try known.lock()
            // What another process has written before it let go of the lock.
            found = try known.reread()
        }
        isNew = found == nil
        let takesRange = builder.takesRange && found == nil
        slot = takesRange && !rehearses ? try PreparedSandbox.slot(store) : nil
        // A config that is only shown has the range of those that people write: none is held for it.
        let range =
            found.map(\.record.mappings) ?? slot?.mappings ?? (takesRange ? IDSlot.common : nil)
        if found == nil, let store, !rehearses {
            found = try PreparedSandbox.make(keeping, range, in: store)
        }
        var place: SandboxBuilder.Place?
        if let found {
            place = .init(directory: found.path, trees: found.record.trees)
        } else if let store {
            place = .init(directory: "\(store.root)/\(keeping.placeholder)", trees: [])
        }
        kept = found
        do throws(Failure) {
            let product = try builder.product(range: range, in: place)
            (config, warnings) = (product.config, product.warnings)
            if let found, !rehearses { kept = try PreparedSandbox.record(product.trees, in: found) }
        } catch {
            if isNew, !rehearses, let found { try store?.remove(found) }
            throw error
        }
    }

    private static func find(
        _ name: SandboxName, in store: SandboxStore
    ) throws(Failure) -> KeptSandbox? {
        do throws(Failure) {
            return try store.find(name)
        } catch {
            if error.kind == .missing { return nil }
            throw error
        }
    }

    private static func make(
        _ keeping: Keeping, _ range: IDMappings?, in store: SandboxStore
    ) throws(Failure) -> KeptSandbox {
        if case .named(let name) = keeping { return try store.make(name, mappings: range) }
        return try store.make(nil, mappings: range)
    }

    private static func slot(_ store: SandboxStore?) throws(Failure) -> IDSlot {
        guard let store else { return try IDSlot.take() }
        return try IDSlot.take { () throws(Failure) in try store.takenIDs() }
    }

    /// Writes the trees down, each new one with the time of its file system.
    private static func record(
        _ trees: [KeptSandbox.Tree], in sandbox: KeptSandbox
    ) throws(Failure) -> KeptSandbox {
        var record = sandbox.record
        record.trees = []
        for var tree in trees {
            if !sandbox.record.trees.contains(where: { $0.directory == tree.directory }) {
                tree.begun = try FileSystemClock.now(in: tree.path)
            }
            record.trees.append(tree)
        }
        return try sandbox.write(record)
    }

    /// Removes a sandbox that was made for a run which has not come to be.
    public func abandon() throws(Failure) {
        guard isNew, let kept, let store, kept.isBlank else { return }
        try store.remove(kept)
    }
}

extension PreparedSandbox.Keeping {
    fileprivate var placeholder: String {
        if case .named(let name) = self { name.text } else { "box" }
    }
}

/// The clock of a file system, which stamps its files: that of another machine, for one on a network.
enum FileSystemClock {
    static func now(in directory: String) throws(Failure) -> FileTime {
        do throws(Errno) {
            let folder = try HostPath.open(directory, [.readOnly, .directory])
            let file = try folder.borrowed.makeNamelessFile(mode: 0o600)
            return try FileStatus.of(file.borrowed).changed
        } catch {
            // A tree that the caller cannot write to, or one without nameless files.
            return FileTime.now
        }
    }
}
