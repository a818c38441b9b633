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
    /// Of the first operand.
    ///
    /// - Parameter needsLayers: Nothing can be said where the layers below are not known.
    init(_ arguments: ParsedArguments, needsLayers: Bool = true) throws(LayerError) {
        let operand = arguments.operands[0]
        name = operand
        if !UpperSource.isDirectory(operand) {
            throw LayerError(
                "\"\(operand)\" is no directory; name one that --upper has kept")
        }
        var layers = arguments.values("layer")
        var marks = Credentials.effectiveUser == 0 ? OverlayMarks.trusted : .user
        let upper: LayerDirectory
        if UpperSource.isDirectory("\(operand)/upper") && UpperSource.isDirectory("\(operand)/work")
        {
            let kept = try KeptUpper(opening: operand)
            isInUse = try kept.isInUse()
            upper = kept.upper
            if let record = try kept.record() {
                if layers.isEmpty { layers = record.layers }
                marks = record.marks
            }
        } else {
            upper = try UpperSource.open(operand)
            isInUse = false
        }
        if arguments.has("userxattr") { marks = .user }
        if layers.isEmpty && needsLayers {
            throw LayerError(
                "\"\(operand)\" does not say which layers it was written over; name them by"
                    + " --layer, bottom first")
        }
        stack = try LayerStack(uppers: [upper], over: layers, marks: marks)
        uppers = 1
    }

    var warning: String {
        "the upper \"\(name)\" is in use by a run: what is written here may change meanwhile"
    }

    /// No run writes to it, nor will one as long as this is held.
    func requireUnused() throws(LayerError) {
        if isInUse {
            throw LayerError("the upper \"\(name)\" is in use by a run; wait for its end")
        }
    }

    private static func isDirectory(_ path: String) -> Bool {
        (try? FileStatus.of(path: path).kind) == .directory
    }

    private static func open(_ path: String) throws(LayerError) -> LayerDirectory {
        do throws(Errno) {
            return LayerDirectory(try HostPath.open(path, [.readOnly, .directory]), layer: 0)
        } catch {
            throw LayerError("open \"\(path)\": \(error.words)")
        }
    }
}
