internal import ContainerRuntime
internal import Images
internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import Sandbox
internal import SystemPackage

/// The value of `--base`.
enum SandboxBase {
    static func read(
        _ word: String, _ arguments: ParsedArguments, from directory: String
    ) throws(Failure) -> SandboxRequest.Base {
        if word == "host" { return .system }
        if word == "/" { return .everything }
        do throws(Failure) {
            return try readPath(word, from: directory, arguments)
        } catch {
            throw error.within("--base")
        }
    }

    private static func readPath(
        _ word: String, from directory: String, _ arguments: ParsedArguments
    ) throws(Failure) -> SandboxRequest.Base {
        if word.isEmpty { throw Failure("the name is empty; is a variable unset?") }
        let path = PathText.cleaned(word.hasPrefix("/") ? word : "\(directory)/\(word)")
        let found: FileStatus
        do throws(Errno) {
            found = try FileStatus.of(path: path)
        } catch .noSuchFileOrDirectory {
            throw Failure(
                "\(word.inQuotes) does not exist; use host, /, or a directory with a root file system,"
                    + " a bundle, an unpacked image or an archive")
        } catch {
            throw Failure("stat", path.inQuotes, error)
        }
        if found.kind == .regular { return try archive(path, found, arguments) }
        if found.kind != .directory {
            throw Failure("\(word.inQuotes) is neither a directory nor an archive")
        }
        // First: a program may have put a config.json into a root file system.
        for name in ["bin", "usr", "lib"] {
            if (try? FileStatus.of(path: "\(path)/\(name)")) != nil {
                return .layers([path], environment: [])
            }
        }
        if (try? FileStatus.of(path: "\(path)/config.json")) != nil {
            return try bundle(path)
        }
        throw Failure(
            "\(word.inQuotes) has neither a config.json nor /bin, /usr or /lib; name a directory with"
                + " a root file system")
    }

    /// An archive of a root file system or of an image: unpacked once, to the cache.
    private static func archive(
        _ path: String, _ status: FileStatus, _ arguments: ParsedArguments
    ) throws(Failure) -> SandboxRequest.Base {
        let folder = LoadedConfig.cacheDirectory + "/bases"
        try attempt("mkdir", on: folder, try HostPath.makeDirectories(folder, mode: 0o700))
        let own = try attempt("stat", on: folder, try FileStatus.of(path: folder))
        if let reason = own.foreignness {
            throw Failure("\(folder.inQuotes) is not believed: \(reason); remove it")
        }
        // Another file, or other content, is another base.
        let time = status.changed
        let name =
            "\(status.device)-\(status.inode)-\(status.size)-\(time.seconds).\(time.nanoseconds)"
        let place = "\(folder)/\(name)"
        if (try? FileStatus.of(path: "\(place)/config.json")) == nil {
            let reporter = ConsoleReporter(
                isQuiet: arguments.has(.quiet), arguments.globals.log)
            let image = try ImageReference(path)
            try Unpacker(reporter: reporter).unpack(image, to: place, over: DefaultConfig.json)
        }
        return try bundle(place)
    }

    /// A bundle shows its own files, and no file of the host that it names: its author may be another
    /// user.
    private static func require(_ layer: String, in bundle: String) throws(Failure) {
        let real = try attempt("open", on: layer, try HostPath.real(layer))
        for place in [bundle, "\(bundle)/../layers"] {
            if let holder = try? HostPath.real(place), real.lies(below: holder) { return }
        }
        throw Failure(
            "\("\(bundle)/config.json".inQuotes) names \(layer.inQuotes), which is outside of the"
                + " bundle; name that directory with --base or --layer")
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
            for layer in try layers.directories(name) {
                try require(layer, in: path)
                found.append(PathText.cleaned(layer))
            }
        }
        return .layers(found, environment: environment.filter { $0.contains("=") })
    }
}
