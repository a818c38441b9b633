public import Layers
public import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// A container whose upper is thrown away: of the upper nobody has a descriptor, and none is to be
/// where the container could find it. What the kernel makes of it and the layers can be seen as long
/// as the container lives.
extension StoredContainer {
    /// The container's root as the kernel shows it, without what is mounted in it.
    public struct View {
        public let root: LayerDirectory
        /// What it lies on, bottom first.
        public let layers: [String]
        /// Of its user namespace.
        public let owners: IDMappings?
        public let hasUserAttributes: Bool
    }

    /// - Throws: Also where it has ended, or has no overlay.
    public func view() throws(Failure) -> View {
        guard let state = try state() else {
            throw failure("does not exist: its creation has not come so far")
        }
        let overlay = try overlay(state.bundle)
        let held = try viewing("pidfd_open", try state.programProcess?.held())
        guard let held, let process = state.programProcess, try status(state) != .creating else {
            throw failure(
                "has ended, and what it wrote has gone with it; give it vfs.overlay.upper, which"
                    + " is kept")
        }
        let namespaces = NamespaceSet(rawValue: state.namespaces).intersection([.user, .mount])
        guard namespaces.contains(.mount) else {
            throw failure("has no mount namespace of its own")
        }
        let root = try viewing("open_tree", try clone(held.borrowed, namespaces))
        let owners = try viewing(
            "read uid_map",
            namespaces.contains(.user) ? try IDMappings.of(process: "\(process.pid)") : nil)
        guard try viewing("read /proc/\(process.pid)/stat", try process.isAlive) else {
            throw failure("has ended meanwhile")
        }
        return View(
            root: root, layers: overlay.layers, owners: owners,
            hasUserAttributes: overlay.options.contains("userxattr"))
    }

    private func failure(_ words: String) -> Failure {
        Failure("the container \"\(id.text)\" \(words)")
    }

    private func viewing<Value: ~Copyable>(
        _ call: String, _ body: @autoclosure () throws(Errno) -> Value
    ) throws(Failure) -> Value {
        do throws(Errno) {
            return try body()
        } catch {
            throw failure("cannot be looked into: \(call): \(error.words)")
        }
    }

    /// A copy of its root's mount alone: what lies under others is seen, and of them nothing. No
    /// path of the container's is resolved.
    private func clone(
        _ process: FileDescriptor, _ namespaces: NamespaceSet
    ) throws(Errno) -> LayerDirectory {
        let answers = try ChildProcess.runAside([]) { channel in
            do throws(Errno) {
                try process.joinNamespace(namespaces)
                let root = try DetachedMount.clone("/", recursive: false)
                try channel.send([0], passing: root.borrowed)
            } catch {
                // Where it cannot say so, nothing to be received says that it failed.
                _ = try? channel.send([UInt8(clamping: error.rawValue)])
            }
        }
        guard let answer = try answers.receive() else { throw .noSuchProcess }
        let number = answer.bytes[0]
        guard let root = answer.takeDescriptor() else { throw Errno(rawValue: CInt(number)) }
        // A container with the right to may have turned its tree around.
        if try FileSystemMagic.of(root.borrowed) != .overlay { throw .invalidArgument }
        return LayerDirectory(try root.borrowed.open(".", [.readOnly, .directory]), layer: 0)
    }

    private func overlay(
        _ bundle: String
    ) throws(Failure) -> (layers: [String], options: [String]) {
        let spec = try spec()
        let root = PathText.absolute(spec.root?.path?.value ?? "", from: bundle)
        var object: Spec.VFS.Overlay?
        switch spec.vfs?.overlay {
        case .object(let found): object = found
        case .enabled(let enabled) where enabled.value: break
        default:
            throw failure(
                "has no overlay: it writes to \"\(root)\" itself, and what that was before is not"
                    + " known")
        }
        guard let names = object?.layers else { return ([root], []) }
        var layers: [String] = []
        for name in names {
            layers += try LayerNames(bundle: bundle).directories(name.value)
        }
        return (layers, (object?.options ?? []).map(\.value))
    }
}
