internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// CRIU's own config file, whose settings win over those of a request.
///
/// It can name programs that CRIU runs as root, and the annotation that names it may come from an
/// image: `features` lists it among those.
enum CRIUConfigFile {
    static let annotation = "org.criu.config"
    /// Of runc, for which administrators have written it.
    private static let standard = "/etc/criu/runc.conf"

    static func set(_ request: inout CRIURequest, _ spec: Spec) throws(Failure) {
        try set(&request, spec.annotations.map { ($0.key.value, $0.value.value) })
    }

    /// An empty annotation stands for no file; one that is not there is passed over by CRIU.
    static func set(
        _ request: inout CRIURequest, _ annotations: [(key: String, value: String)]
    ) throws(Failure) {
        guard let named = annotations.last(where: { $0.key == annotation })?.value else {
            return request.set(.configFile, standard)
        }
        if named.isEmpty { return }
        request.set(.configFile, named)
        let status: FileStatus
        do throws(Errno) {
            status = try FileStatus.of(path: named)
        } catch .noSuchFileOrDirectory {
            return
        } catch {
            throw Failure("stat", "\(named.inQuotes), of the annotation \(annotation)", error)
        }
        guard status.kind == .regular, status.isOwn else {
            throw Failure(
                "the annotation \(annotation) names \(named.inQuotes), which is no file of this"
                    + " user's own that no other user may write to; criu would run what it says")
        }
    }
}
