internal import ContainerRuntime
internal import Layers
internal import LinuxSystem
internal import SystemPackage

/// `--diff[=FILE]`: the changes of a run, on standard output or in a file.
struct ChangesFile {
    /// Nil for standard output.
    private let file: HeldDescriptor?
    private let form: ChangePrinter.Form

    /// Opens the file before the run: one that cannot be written is an error here, and the program could
    /// exchange its directory later.
    init(_ arguments: ParsedArguments) throws(Failure) {
        guard let path = arguments.value(.compare) else {
            (file, form) = (nil, .lines)
            return
        }
        form = path.hasSuffix(".json") ? .json : .lines
        do throws(Errno) {
            file = HeldDescriptor(try HostPath.openOutput(path))
        } catch {
            throw Failure("--diff: \(path.inQuotes) cannot be written: \(error.words)")
        }
    }

    /// What the program has done: without the mount points that the start has made.
    func write(_ changes: ChangedUppers, of plan: Plan) throws(Failure) {
        do throws(Failure) {
            guard let root = try changes.root else { return }
            var printer = ChangePrinter(
                form, printsUnchanged: false, to: file?.borrowed ?? .standardOutput)
            printer.leaveOut(mountPoints: plan.mountPoints)
            try printer.print(root)
        } catch {
            throw error.within("--diff")
        }
    }
}
