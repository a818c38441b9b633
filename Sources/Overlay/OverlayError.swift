public import LinuxSystem
public import SystemPackage

/// An overlay that could not be mounted.
public struct OverlayError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence: what is wrong and what to do about it.
    public var sentence: String
    public var errno: Errno
    /// The kernel's own words, from its context log or its own log; often nothing.
    public var kernelWords: [String]

    public init(_ sentence: String, _ errno: Errno, kernelWords: [String] = []) {
        self.sentence = sentence
        self.errno = errno
        self.kernelWords = kernelWords
    }

    public var description: String { sentence }

    /// A directory that cannot be opened.
    public static func opening(_ role: String, _ path: String, _ errno: Errno) -> OverlayError {
        let name = "the \(role) \"\(path)\""
        return switch errno {
        case .noSuchFileOrDirectory:
            OverlayError("\(name) does not exist; make it or correct the path", errno)
        case .notDirectory:
            OverlayError("\(name) is not a directory; a layer is a directory", errno)
        default:
            OverlayError("\(name) cannot be opened: \(errno.words)", errno)
        }
    }

    /// A directory that is not opened, a link on its path among the reasons.
    public static func opening(
        _ role: String, _ path: String, _ failure: UnfollowedPath.Failure
    ) -> OverlayError {
        guard let link = failure.link else { return opening(role, path, failure.errno) }
        let isItself = link.path == path || link.path + "/" == path
        return OverlayError(
            "the \(role) \"\(path)\" \(isItself ? "is" : "lies behind") a symbolic link,"
                + (isItself ? "" : " \"\(link.path)\",")
                + " which leads out of its directory, to \"\(link.target)\": a container or an"
                + " image may have made it; name the directory that it leads to",
            failure.errno)
    }

    static func noOverlay(_ errno: Errno) -> OverlayError {
        switch errno {
        case .operationNotSupportedByDevice:
            OverlayError(
                "the kernel has no overlay file system; load it with \"modprobe overlay\"", errno)
        default:
            OverlayError("fsopen overlay: \(errno.words)", errno)
        }
    }
}
