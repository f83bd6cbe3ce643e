using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Training;

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

    /// <summary>Opens a run on synthetic scenes, or on the files that the configuration names.</summary>
    protected Trainer OpenTrainer(TrainingConfiguration configuration, string dataFolder, string folder, bool resume)
    {
        var scenes = SceneTraining.ScenesOf(configuration);
        return Trainer.Open(
            Device, configuration, dataFolder, folder, resume, scenes is null ? null : scenes with { Source = new RememberedPictures(scenes.Source) });
    }
}
