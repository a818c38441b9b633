internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import Sandbox
internal import SystemPackage

/// The value of `--base`.
enum SandboxBase {
    static func read(
        _ word: String, from directory: String
    ) throws(Failure) -> SandboxRequest.Base {
        if word == "host" { return .system }
        if word == "/" { return .everything }
        do throws(Failure) {
            return try readDirectory(word, from: directory)
        } catch {
            throw error.within("--base")
        }
    }

    private static func readDirectory(
        _ word: String, from directory: String
    ) throws(Failure) -> SandboxRequest.Base {
        if word.isEmpty { throw Failure("the name is empty; is a variable unset?") }
        let path = PathText.cleaned(word.hasPrefix("/") ? word : "\(directory)/\(word)")
        let found: FileStatus
        do throws(Errno) {
            found = try FileStatus.of(path: path)
        } catch .noSuchFileOrDirectory {
            throw Failure(
                "\(word.inQuotes) does not exist; use host, /, or a directory with a root file system,"
                    + " a bundle or an unpacked image")
        } catch {
            throw Failure("stat", path.inQuotes, error)
        }
        if found.kind != .directory {
            throw Failure(
                "\(word.inQuotes) is no directory; \"vfs-run unpack \(word) DIR\" makes one of an image"
            )
        }
        if (try? FileStatus.of(path: "\(path)/config.json")) != nil {
            return try bundle(path)
        }
        for name in ["bin", "usr", "lib"] {
            if (try? FileStatus.of(path: "\(path)/\(name)")) != nil {
                return .layers([path], environment: [])
            }
        }
        throw Failure(
            "\(word.inQuotes) has neither a config.json nor /bin, /usr or /lib; name a directory with"
                + " a root file system")
    }

    /// The layers of a bundle, and its environment.
    private static func bundle(_ path: String) throws(Failure) -> SandboxRequest.Base {
        let document = try LoadedConfig.read("\(path)/config.json", ofBundle: true)
        let root = document.root
        let environment = root["process"]?["env"]?.elements.compactMap(\.string) ?? []
        let names =
            root["vfs"]?["overlay"]?["layers"]?.elements.compactMap(\.string)
            ?? root["root"]?["path"]?.string.map { [$0] } ?? []
        if names.isEmpty {
            throw Failure("\("\(path)/config.json".inQuotes) names neither root.path nor layers")
        }
        let layers = LayerNames(bundle: path)
        var found: [String] = []
        for name in names {
            found += try layers.directories(name).map(PathText.cleaned)
        }
        return .layers(found, environment: environment.filter { $0.contains("=") })
    }
}
