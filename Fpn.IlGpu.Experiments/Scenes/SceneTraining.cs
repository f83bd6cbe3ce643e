using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>Training on synthetic scenes.</summary>
public static class SceneTraining
{
    /// <summary>Returns the scenes that a configuration's <c>data.shapes</c> describes; null if the configuration names files.</summary>
    /// <param name="configuration">The configuration of the run.</param>
    public static TrainingPictures? ScenesOf(TrainingConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return configuration.Data.Shapes is { } shapes
            ? new TrainingPictures(SyntheticPictures.Of(shapes), SyntheticShapes.Classes)
            : null;
    }
}
