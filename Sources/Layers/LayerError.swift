internal import LinuxSystem
internal import SystemPackage

/// Work on layers that failed.
public struct LayerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence, lower case: where, what, what to do about it.
    public var sentence: String

    public init(_ sentence: String) {
        self.sentence = sentence
    }

    public var description: String { sentence }

    /// What an upper leaves to a layer that is not known.
    static func missingLayer(_ path: LayerPath) -> LayerError {
        LayerError(
            "\(path.quoted) has what is in it in a layer below; name the layers by --layer, bottom"
                + " first")
    }

    /// A call on a path of a layer that failed.
    init(_ call: String, _ path: LayerPath, _ errno: Errno) {
        let advice =
            errno == .tooManyOpenFiles
            ? "; the tree is nested too deep, or has too many layers: raise \"ulimit -n\"" : ""
        sentence = "\(call) \(path.quoted): \(errno.words)\(advice)"
    }
}

/// Runs calls on a path of a layer.
@inline(__always)
func on<Value: ~Copyable>(
    _ path: @autoclosure () -> LayerPath, _ call: @autoclosure () -> String,
    _ body: () throws(Errno) -> Value
) throws(LayerError) -> Value {
    do {
        return try body()
    } catch {
        throw LayerError(call(), path(), error)
    }
}
