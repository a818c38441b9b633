internal import ContainerRuntime
internal import JSON
internal import Layers
internal import LinuxSystem
internal import Supervision
internal import SystemPackage

/// What a run has written in the uppers of its container.
final class ChangedUppers {
    private let uppers: [Outcome.Upper]
    /// Whether this process has become the root of the container's user namespace.
    private var isOwner: Bool?

    init(_ outcome: Outcome) { uppers = outcome.uppers }

    /// The changes of the root; nil where it has no upper, or no one has asked for it.
    var root: Comparison? {
        get throws(Failure) {
            guard let upper = uppers.first(where: { $0.path == "/" }) else { return nil }
            return try comparison(upper)
        }
    }

    /// For the page of `--trace`. Without root privileges in a copy of this process, which becomes the
    /// root of the container's user namespace for it.
    func note(in trace: Trace, besides mountPoints: Set<String>) throws(Failure) {
        if uppers.isEmpty { return }
        if Credentials.effectiveUser == 0 {
            return trace.take(written: try written(besides: mountPoints))
        }
        let outcome = Result { () throws(Errno) in
            try ForkedProcess.run(within: ChangedUppers.patience) {
                do throws(Failure) {
                    return Array(try written(besides: mountPoints).compactText.utf8)
                } catch {
                    return [0] + Array(error.message.utf8)
                }
            }
        }
        switch outcome {
        case .success(.finished(let bytes)):
            guard bytes.first != 0, let document = try? JSONDocument(bytes) else {
                throw Failure(String(decoding: bytes.dropFirst(), as: UTF8.self).printable)
            }
            trace.take(written: JSONOutput(document.root))
        case .success: throw Failure("the changes were not read to their end")
        case .failure(let error): throw Failure("fork: \(error.words)")
        }
    }

    /// Nanoseconds.
    private static let patience: UInt64 = 600_000_000_000

    private func written(besides mountPoints: Set<String>) throws(Failure) -> JSONOutput {
        var written = WrittenFiles(besides: mountPoints)
        for upper in uppers {
            try written.add(try comparison(upper), below: upper.path == "/" ? "" : upper.path)
        }
        return written.json
    }

    private func comparison(_ upper: Outcome.Upper) throws(Failure) -> Comparison {
        var stack = try LayerStack(
            uppers: [upper.directory], over: upper.over.layers, marks: upper.over.marks)
        // Files that only the container may read are read with its root user.
        let isOwner = self.isOwner ?? (try? MappedOwners.become(upper.over.owners)) ?? false
        self.isOwner = isOwner
        stack.owners = isOwner ? nil : upper.over.owners
        return Comparison(stack)
    }
}

extension ParsedArguments {
    /// `--trace`, where its file is a page, which tells what was written.
    var pageOption: String? {
        takes(.trace) && value(.trace).map(Trace.isPage) == true ? "--trace" : nil
    }
}
