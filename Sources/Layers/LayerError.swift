public import LinuxSystem
internal import SystemPackage

/// The former name.
public typealias LayerError = Failure

extension Failure {
    /// What an upper leaves to a layer that is not known.
    static func missingLayer(_ path: LayerPath) -> LayerError {
        LayerError(
            "\(path.quoted) has what is in it in a layer below; name the layers by --layer, bottom"
                + " first")
    }

    /// A call on a path of a layer that failed.
    init(_ call: String, _ path: LayerPath, _ errno: Errno) {
        self.init(
            call, path.quoted, errno,
            advice: errno == .tooManyOpenFiles
                ? "the tree is nested too deep, or has too many layers: raise \"ulimit -n\"" : nil)
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
