internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// CRIU's own config file, whose settings win over those of a request.
///
/// It can name programs that CRIU runs as root, and the annotation that names it may come from an
/// image: only files of `/etc/criu` are taken, and `features` lists the annotation among those that an
/// image can plant.
enum CRIUConfigFile {
    static let annotation = "org.criu.config"
    static let directory = "/etc/criu"
    /// Of runc, for which administrators have written it.
    private static let standard = "runc.conf"

    /// - Returns: The file, which has to stay open until CRIU has read it.
    static func set(
        _ request: inout CRIURequest, _ annotations: [(key: String, value: String)]
    ) throws(Failure) -> HeldDescriptor? {
        let named = annotations.last { $0.key == annotation }?.value
        // An empty annotation stands for no file.
        if named?.isEmpty == true { return nil }
        let path = named ?? "\(directory)/\(standard)"
        guard PathText.cleaned(path) == path, path.lies(below: directory) else {
            throw Failure(
                "the annotation \(annotation) names \(path.inQuotes), which is not in \(directory):"
                    + " criu would run what the file says; put it there, or leave the annotation out"
            )
        }
        guard let file = try open(path) else {
            if named == nil { return nil }
            throw Failure("the annotation \(annotation) names \(path.inQuotes), which is missing")
        }
        // By its descriptor: no other file can take its place.
        request.set(.configFile, "/proc/\(CurrentProcess.pid)/fd/\(file.borrowed.rawValue)")
        return file
    }

    /// No link on the way is followed, and all of it is this user's own; nil where it is missing.
    private static func open(_ path: String) throws(Failure) -> HeldDescriptor? {
        do throws(Errno) {
            let root = RootDirectory(try HostPath.open("/", [.path, .directory]))
            var place = ""
            for name in path.split(separator: "/") {
                place += "/" + name
                let part = try root.open(place, .path, links: .refuse)
                if try !FileStatus.of(part.borrowed).isOwn { throw .notPermitted }
            }
            let file = try root.open(path, [.readOnly, .nonBlocking], links: .refuse)
            let status = try FileStatus.of(file.borrowed)
            if status.kind != .regular || !status.isOwn { throw .notPermitted }
            return HeldDescriptor(file)
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw Failure(
                "open", path.inQuotes, error,
                advice: "it and the directories above have to be this user's own, without links")
        }
    }
}
