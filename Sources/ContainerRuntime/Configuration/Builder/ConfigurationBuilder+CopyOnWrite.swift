internal import LinuxSystem
internal import OCISpec

/// Copy-on-write trees and files that the runtime makes.
extension ConfigurationBuilder {
    /// A tree is mounted before the mounts whose destination lies in it, and after all others.
    func withTrees(_ mounts: [Configuration.Mount]) -> [Configuration.Mount] {
        var all = mounts
        for (number, tree) in (request.spec.vfs?.copyOnWrite ?? []).enumerated() {
            let mount = mount(tree, number)
            let place = all.firstIndex {
                PathText.cleaned($0.destination).lies(below: mount.destination)
            }
            all.insert(mount, at: place ?? all.endIndex)
        }
        return all
    }

    private func mount(_ tree: Spec.VFS.Tree, _ number: Int) -> Configuration.Mount {
        Configuration.Mount(
            destination: request.destination(tree),
            kind: .copyOnWrite(
                Configuration.CopyOnWriteTree(
                    path: PathText.cleaned(request.path(tree.path).value),
                    upper: tree.upper.map { request.path($0).value },
                    isRead: invocation.comparesUpper, number: number)),
            set: [.noSetUserID, .noDevices], origin: .config(tree.offset),
            optionText: "copy-on-write,nosuid,nodev")
    }

    func files() -> [Configuration.MadeFile] {
        var sources = 0
        return (request.spec.vfs?.files ?? []).map { file in
            let content: Configuration.MadeFile.Content
            if let source = file.source {
                let path = request.path(source).value
                content =
                    file.names.map {
                        .files($0.map(\.value), of: path, number: sources)
                    } ?? .source(path, number: sources)
                sources += 1
            } else if let target = file.target {
                content = .link(target.value)
            } else if let text = file.content {
                content = .text(text.value)
            } else {
                content = .directory
            }
            return Configuration.MadeFile(
                path: PathText.cleaned(file.path.value), content: content,
                mode: file.mode.flatMap { UInt32($0.value, radix: 8) },
                origin: .config(file.offset))
        }
    }
}
