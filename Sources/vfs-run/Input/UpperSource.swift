internal import ContainerRuntime
internal import Layers
internal import LinuxSystem
internal import SystemPackage

/// An upper that a command line names, with the layers below it.
struct UpperSource {
    /// For messages.
    let name: String
    let stack: LayerStack
    /// How many of the topmost layers are what runs wrote.
    let uppers: Int
    let isInUse: Bool
    /// Whether it is a container's tree, whose upper is thrown away.
    private let isView: Bool

    /// Of the first operand.
    ///
    /// - Parameter needsLayers: Nothing can be said where the layers below are not known.
    init(_ arguments: ParsedArguments, needsLayers: Bool = true) throws(LayerError) {
        let place = try UpperSource.place(arguments)
        name = arguments.operands[0]
        let path: String
        switch place {
        case .directory(let directory): path = directory
        case .view(let view):
            if arguments.value(.since) != nil {
                throw LayerError(
                    "the container \"\(name)\" has no snapshots: it throws away what it writes")
            }
            let named = arguments.values(.belowUpper)
            (uppers, isInUse, isView) = (1, true, true)
            var stack = try LayerStack(
                uppers: [view.root], over: named.isEmpty ? view.layers : named,
                marks: view.hasUserAttributes ? .user : OverlayMarks.own, isView: true)
            stack.owners = view.owners
            self.stack = stack
            return
        }
        isView = false
        if try !UpperSource.isDirectory(path) {
            throw LayerError(
                "\"\(path)\" is neither a directory nor a container; name a directory that"
                    + " --upper has kept")
        }
        var layers = arguments.values(.belowUpper)
        var marks = OverlayMarks.own
        var opened: [LayerDirectory] = []
        var owners: IDMappings?
        var isSinceSnapshot = false
        let hasUpper = try UpperSource.isDirectory("\(path)/upper")
        let hasWork = try UpperSource.isDirectory("\(path)/work")
        if hasUpper && hasWork {
            let kept = try KeptUpper(opening: path)
            isInUse = try kept.isInUse()
            let (above, frozen) = try kept.uppers(since: arguments.value(.since))
            opened = above
            if let record = try kept.record() {
                if layers.isEmpty { layers = record.layers }
                marks = record.marks
                // Where it cannot be, what may not be read says so.
                let isOwner = (try? MappedOwners.become(record.owners)) ?? false
                if !isOwner { owners = record.owners }
            }
            layers += frozen
            isSinceSnapshot = !frozen.isEmpty
        } else {
            opened = [try UpperSource.open(path)]
            isInUse = false
        }
        if arguments.has(.userAttributes) { marks = .user }
        if layers.isEmpty && needsLayers {
            throw LayerError(
                "\"\(path)\" does not say which layers it was written over; name them by"
                    + " --layer, bottom first")
        }
        var stack = try LayerStack(uppers: opened, over: layers, marks: marks)
        stack.owners = owners
        // What was written since a snapshot lies on an upper that was made like the snapshot.
        if isSinceSnapshot { stack.rootLayer = stack.roots[opened.count] }
        self.stack = stack
        uppers = opened.count
    }

    var warning: String {
        isView
            ? "the container \"\(name)\" runs: what it writes may change meanwhile"
            : "the upper \"\(name)\" is in use by a run: what is written here may change meanwhile"
    }

    /// No run writes to it, nor will one as long as this is held; but what a container throws away
    /// there is only while it runs.
    func requireUnused() throws(LayerError) {
        if isInUse && !isView {
            throw LayerError("the upper \"\(name)\" is in use by a run; wait for its end")
        }
    }

    private enum Place {
        case directory(String)
        case view(StoredContainer.View)
    }

    /// What the first operand means: a directory, or what a container writes to.
    private static func place(_ arguments: ParsedArguments) throws(LayerError) -> Place {
        let operand = arguments.operands[0]
        if operand.utf8.contains(UInt8(ascii: "/")) { return .directory(operand) }
        guard let container = try? ContainerID(operand),
            let found = try find(container, arguments)
        else { return .directory(operand) }
        if try isDirectory(operand) {
            throw LayerError(
                "\"\(operand)\" is a container and a directory; write ./\(operand) for the"
                    + " directory")
        }
        do throws(RuntimeError) {
            if let upper = try found.keptUpper() { return .directory(upper) }
            return .view(try found.view())
        } catch {
            throw error
        }
    }

    /// Nil where there is none of that name.
    private static func find(
        _ container: ContainerID, _ arguments: ParsedArguments
    ) throws(LayerError) -> StoredContainer? {
        do throws(RuntimeError) {
            return try arguments.globals.store.find(container)
        } catch {
            if error.kind == .missing { return nil }
            throw error
        }
    }

    private static func isDirectory(_ path: String) throws(LayerError) -> Bool {
        do throws(Errno) {
            return try FileStatus.of(path: path).kind == .directory
        } catch .noSuchFileOrDirectory {
            return false
        } catch .notDirectory {
            return false
        } catch {
            // Taken for one that is not there, another layer would be read.
            throw LayerError("stat \"\(path)\": \(error.words)")
        }
    }

    private static func open(_ path: String) throws(LayerError) -> LayerDirectory {
        do throws(Errno) {
            return LayerDirectory(try HostPath.open(path, [.readOnly, .directory]), layer: 0)
        } catch {
            throw LayerError("open \"\(path)\": \(error.words)")
        }
    }
}
