namespace Fpn.IlGpu.Training;

/// <summary>What synthetic scenes show.</summary>
public enum SceneKind
{
    /// <summary>Shapes of seven classes at many scales. The outline says what a shape is.</summary>
    Shapes,

    /// <summary>Small grey discs, each in a frame whose colour is the disc's class: only the context says what a disc is.</summary>
    FramedDiscs,

    /// <summary>The control: the same discs in the same frames, but the disc has the colour, and the frame is grey.</summary>
    ColouredDiscs,
}
