using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>Training on synthetic scenes.</summary>
public static class SceneTraining
{
    /// <summary>The scenes that a configuration's <c>data.shapes</c> asks for; null where it asks for files.</summary>
    /// <param name="configuration">The run's.</param>
    public static TrainingPictures? ScenesOf(TrainingConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return configuration.Data.Shapes is { } shapes
            ? new TrainingPictures(SyntheticPictures.Of(shapes), SyntheticShapes.Classes)
            : null;
    }
}
