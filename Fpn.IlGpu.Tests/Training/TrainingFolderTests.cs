using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>Tests that train on the CPU, each in an empty folder.</summary>
internal abstract class TrainingFolderTests
{
    protected string Folder { get; private set; } = "";

    protected Device Device { get; private set; } = null!;

    [SetUp]
    public void Open()
    {
        Folder = Directory.CreateTempSubdirectory("fpn-train-").FullName;
        Device = Device.Open("cpu");
    }

    [TearDown]
    public void Close()
    {
        Device.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
