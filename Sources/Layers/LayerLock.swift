public import LinuxSystem
public import SystemPackage

/// A lock on a layer, where a layer is what runs write or have written.
public final class LayerLock: Sendable {
    private let locks: UpperLocks

    private init(_ locks: UpperLocks) { self.locks = locks }

    /// Keeps what writes to a layer, or takes it apart, from doing so while this value lives. Any
    /// number of runs may share a layer.
    ///
    /// - Returns: Nil for a layer that no run writes to: it is neither the upper of a directory that
    ///   `--upper` keeps nor one of its snapshots.
    public static func take(
        _ layer: FileDescriptor, _ path: String
    ) throws(Failure) -> LayerLock? {
        do throws(Errno) {
            guard let (directory, number) = try KeptUpper.place(of: layer) else { return nil }
            let locks = try UpperLocks(in: directory.borrowed)
            try locks.take(number, exclusive: false)
            try KeptUpper.mark(layer)
            return LayerLock(locks)
        } catch .wouldBlock {
            throw Failure(
                "the layer \"\(path)\" is being written as the upper of another run; wait for its"
                    + " end")
        } catch .permissionDenied {
            throw Failure(
                "the layer \"\(path)\" is the upper of another user's runs and cannot be locked; have"
                    + " that user commit it to a directory")
        } catch {
            throw Failure(
                "the layer \"\(path)\" cannot be locked by the file \"\(UpperLocks.name)\" of the"
                    + " directory that keeps it: \(error.words)")
        }
    }
}
