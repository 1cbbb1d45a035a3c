"""The post hatch: one file per gateway that carries texts, and the door at which their texts come in."""
