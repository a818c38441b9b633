internal import LinuxSystem

// What a step is about, by which it is told from others of its kind: where a mount lies, which limit is
// set. `plan --tree` and `plan --compare` read it; a start does not.

extension Step {
    public var mountpoint: String? { nil }
    public var subject: String? { mountpoint }
}

extension MountOverlay { var mountpoint: String? { "/" } }
extension MountOverlayAside { var mountpoint: String? { overlay == nil ? nil : "/" } }
extension MountRootDirectory { var mountpoint: String? { "/" } }
extension OpenRootDirectory { var mountpoint: String? { "/" } }
extension MountFileSystem { var mountpoint: String? { mount.destination } }
extension AttachBind { var mountpoint: String? { mount.destination } }
extension MountControlGroups { var mountpoint: String? { mount.destination } }
extension MaskPath { var mountpoint: String? { path } }
extension ProtectPath { var mountpoint: String? { path } }
extension MountResolver { var mountpoint: String? { "/etc/resolv.conf" } }

extension Remount { var subject: String? { mount.destination } }
extension SetLimit { var subject: String? { limit.resource.name } }
extension MakeDevice { var subject: String? { device.path } }
extension MakePlace { var subject: String? { file.path } }
extension WriteFile { var subject: String? { file.path } }
extension SetSystemControl { var subject: String? { path } }
extension LockLayer { var subject: String? { path } }
extension OpenBindSource { var subject: String? { source.summary } }
extension OpenBindSourceOnHost { var subject: String? { source.summary } }
