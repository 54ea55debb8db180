import { mount } from "svelte";
import Playground from "./Playground.svelte";

mount(Playground, { target: document.body });
